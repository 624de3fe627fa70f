"""First and second moments of regression rows, from which every mean of errors and its standard error follow.

Letters: d = y - centre, e = prediction - y, v = (1, d, d^2, e, |e|, e^2) of one row. What is summed by group is w v and
w^2 v v^T. The centre keeps d small beside its spread, as sums of squares of large numbers would cancel; sums about one
centre turn into sums about another by a linear map, exactly up to rounding, so accumulators merge whatever theirs were.
"""

from __future__ import annotations

import numpy as np

from efficienttrust.metrics.values import Array, Floats

PARTS = 6
"""Entries of v."""


def centred_moments(slot: Array, slots: int, d: Floats, e: Floats, weight: Floats | None) -> tuple[Floats, Floats]:
    """Return the sums of w v [slots, 6] and of w^2 v v^T [slots, 6, 6] by slot."""
    size, squared = np.abs(e), e * e
    parts: list[Floats | None] = [weight, d, d * d, e, size, squared]
    if weight is not None:
        parts[1:] = [weight * part for part in parts[1:] if part is not None]
    moments, products = np.zeros((slots, PARTS)), np.zeros((slots, PARTS, PARTS))
    for i, left in enumerate(parts):
        moments[:, i] = np.bincount(slot, left, slots)
        for j, right in enumerate(parts[: i + 1]):
            both = left if right is None else right if left is None else left * right
            products[:, i, j] = products[:, j, i] = np.bincount(slot, both, slots)
    return moments, products


def recentred(moments: Floats, products: Floats, shift: float) -> tuple[Floats, Floats]:
    """Return the moments about a centre that is larger by `shift`."""
    turn = np.eye(PARTS)
    turn[1, 0], turn[2, 0], turn[2, 1] = -shift, shift**2, -2 * shift
    return moments @ turn.T, turn @ products @ turn.T
