"""Isotonic regression of many short curves at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def monotone(y: Floats) -> Floats:
    """Return the rising curves closest to given ones, by squares with equal weights.

    By the minimax formula (Robertson, Wright and Dykstra 1988, theorem 1.4.4): at i, the largest over a ≤ i of the
    smallest over b ≥ i of the mean of y from a to b. Cubic in the length, but without a loop over curves.

    Args:
        y: [curves, doses]; a curve with a NaN comes out as NaN.
    """
    length = y.shape[1]
    sums = np.concatenate([np.zeros((len(y), 1)), np.cumsum(y, axis=1)], axis=1)
    out = np.full(y.shape, -np.inf)
    for a in range(length):
        means = (sums[:, a + 1 :] - sums[:, [a]]) / np.arange(1, length - a + 1)
        smallest = np.minimum.accumulate(means[:, ::-1], axis=1)[:, ::-1]
        out[:, a:] = np.maximum(out[:, a:], smallest)
    return np.where(np.isfinite(y).all(1, keepdims=True), out, np.nan)
