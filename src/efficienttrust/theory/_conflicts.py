"""Pairs of rows that an attack can move to one point, tile by tile, so that memory does not grow with their number.

Letters: a, b rows of the two labels; eps the attack. Boxes meet where they meet in every column; columns are looked at
in the order of how many pairs they exclude, and only as long as pairs are left. Balls (l1, l2) meet where the distance
is at most 2 eps: matrix products in float32 decide the clear pairs, and the distances of the others are computed in
float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.theory._embedding import Floats

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]
HEIGHT, WIDTH = 256, 1024
"""Rows of a tile: a few float64 tiles stay in the cache of one core."""
SPARSE = 0.05
"""Share of a tile's pairs below which they are listed instead of looked at all together."""
PART = 20_000
"""Pairs whose distances are computed at once."""
ROUNDING = 2e-7
"""Of the rows' squared lengths, per column: what float32 products may lose, generously."""


@dataclass(frozen=True, eq=False)
class Boxes:
    """Where n rows may be moved: low and high [n, p]."""

    low: Floats
    high: Floats

    def rows(self, index: NDArray[np.int64]) -> Boxes:
        """Return the boxes of a selection of the rows."""
        return Boxes(self.low[index], self.high[index])


def meeting_boxes(a: Boxes, b: Boxes) -> Iterator[Pairs]:
    """Yield the pairs (i of a, j of b) whose boxes have a point in common."""
    if not a.low.shape[1]:
        everyone = np.indices((len(a.low), len(b.low)))
        yield everyone[0].ravel(), everyone[1].ravel()
        return
    columns = _by_selectivity(a, b)
    lead = columns[0]
    from_a, from_b = np.argsort(a.low[:, lead], kind="stable"), np.argsort(b.low[:, lead], kind="stable")
    a, b = a.rows(from_a), b.rows(from_b)
    # columns one after another in memory, the most selective first
    low_a, high_a, low_b, high_b = (np.ascontiguousarray(part[:, columns].T) for part in (a.low, a.high, b.low, b.high))
    ends = np.maximum.accumulate(high_b[0])
    for top in range(0, len(from_a), HEIGHT):
        here = slice(top, top + HEIGHT)
        first = int(np.searchsorted(ends, low_a[0, here].min(), side="left"))
        last = int(np.searchsorted(low_b[0], high_a[0, here].max(), side="right"))
        for left in range(first, last, WIDTH):
            there = slice(left, min(left + WIDTH, last))
            i, j = _meeting(low_a[:, here], high_a[:, here], low_b[:, there], high_b[:, there])
            if len(i):
                yield from_a[i + top], from_b[j + left]


def _meeting(low_a: Floats, high_a: Floats, low_b: Floats, high_b: Floats) -> Pairs:
    """Return the pairs of a tile; bounds are [p, rows of the tile]."""
    meets = np.ones((low_a.shape[1], low_b.shape[1]), dtype=bool)
    buffer = np.empty_like(meets)
    for place in range(len(low_a)):
        meets &= np.less_equal(low_a[place, :, None], high_b[place], out=buffer)
        meets &= np.greater_equal(high_a[place, :, None], low_b[place], out=buffer)
        if np.count_nonzero(meets) <= SPARSE * meets.size:
            i, j = np.nonzero(meets)
            for later in range(place + 1, len(low_a)):
                if not len(i):
                    break
                kept = (low_a[later, i] <= high_b[later, j]) & (high_a[later, i] >= low_b[later, j])
                i, j = i[kept], j[kept]
            return i, j
    i, j = np.nonzero(meets)
    return i, j


def _by_selectivity(a: Boxes, b: Boxes, sample: int = 300) -> NDArray[np.int64]:
    """Return the columns by the share of pairs that they exclude on evenly spread rows; those without room last."""
    few_a, few_b = (
        boxes.rows(np.linspace(0, len(boxes.low) - 1, min(sample, len(boxes.low))).astype(np.int64)) for boxes in (a, b)
    )
    meets = (few_a.low[:, None] <= few_b.high[None]) & (few_a.high[:, None] >= few_b.low[None])
    return np.argsort(meets.mean(axis=(0, 1)), kind="stable")


def meeting_balls(a: Floats, b: Floats, eps: float, norm: str) -> Iterator[Pairs]:
    """Yield the pairs (i of a, j of b) at a distance of at most 2 eps under l1 or l2."""
    lead = int(np.concatenate([a, b]).std(axis=0).argmax())
    from_a, from_b = np.argsort(a[:, lead], kind="stable"), np.argsort(b[:, lead], kind="stable")
    a, b = a[from_a], b[from_b]
    middle = (a.mean(axis=0) + b.mean(axis=0)) / 2
    small_a, small_b = (a - middle).astype(np.float32), (b - middle).astype(np.float32)
    window = 2 * eps + ROUNDING * float(np.abs(a).max() + np.abs(b).max())
    for top in range(0, len(a), HEIGHT):
        here = slice(top, top + HEIGHT)
        first = int(np.searchsorted(b[:, lead], a[here, lead].min() - window, side="left"))
        last = int(np.searchsorted(b[:, lead], a[here, lead].max() + window, side="right"))
        for left in range(first, last, WIDTH):
            there = slice(left, min(left + WIDTH, last))
            if norm == "l1":
                i, j = _near_l1(a[here], b[there], eps)
            else:
                i, j = _near_l2(a[here], b[there], small_a[here], small_b[there], eps)
            if len(i):
                yield from_a[i + top], from_b[j + left]


def _near_l1(a: Floats, b: Floats, eps: float) -> Pairs:
    from scipy.spatial.distance import cdist

    i, j = np.nonzero(cdist(a, b, "cityblock") <= 2 * eps)
    return i, j


def _near_l2(a: Floats, b: Floats, small_a: NDArray[Any], small_b: NDArray[Any], eps: float) -> Pairs:
    """Decide clear pairs by products of the float32 rows, all others by their distance in float64."""
    sizes = (small_a**2).sum(axis=1)[:, None] + (small_b**2).sum(axis=1)
    excess = sizes - 2 * small_a @ small_b.T - 4 * eps**2
    doubt = ROUNDING * (a.shape[1] + 8) * (sizes + 4 * eps**2)
    i, j = np.nonzero(excess <= doubt)
    kept = excess[i, j] < -doubt[i, j]
    for part in np.array_split(np.flatnonzero(~kept), max(1, len(i) // PART)):
        kept[part] = np.linalg.norm(a[i[part]] - b[j[part]], axis=1) <= 2 * eps
    return i[kept], j[kept]
