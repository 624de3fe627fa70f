"""Paired differences with intervals, and p-values corrected by Holm."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

DRAWS = 10_000


def interval(differences: Sequence[float], seed: int = 0) -> tuple[float, float, float]:
    """Return the mean and its 95 % bootstrap interval; NaN ends for fewer than three differences."""
    values = np.asarray(differences, dtype=np.float64)
    if len(values) < 3:
        return float(values.mean()) if len(values) else math.nan, math.nan, math.nan
    means = np.random.default_rng(seed).choice(values, (DRAWS, len(values))).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(values.mean()), float(low), float(high)


def sign_flips(differences: Sequence[float], seed: int = 0) -> float:
    """Return the two-sided p-value of a mean of 0 by flipping signs; exact up to 13 differences, else by draws."""
    values = np.asarray(differences, dtype=np.float64)
    n = len(values)
    if n == 0 or not np.any(values):
        return 1.0
    if n <= 13:
        signs = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
    else:
        signs = np.random.default_rng(seed).choice((-1, 1), (DRAWS, n))
        signs[0] = 1
    means = np.abs((signs * values).mean(axis=1))
    return float((means >= abs(values.mean()) - 1e-12).mean())


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Return p-values corrected for their number (Holm 1979), in the order given."""
    order = sorted(p_values, key=lambda name: p_values[name])
    corrected, largest = {}, 0.0
    for rank, name in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p_values[name]))
        corrected[name] = largest
    return {name: corrected[name] for name in p_values}


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a rate."""
    if n == 0:
        return math.nan, math.nan
    z, rate = 1.96, hits / n
    centre = (rate + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * math.sqrt(rate * (1 - rate) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return max(0.0, centre - half), min(1.0, centre + half)
