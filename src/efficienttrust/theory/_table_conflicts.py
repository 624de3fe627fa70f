"""Pairs of encoded table rows that an attack inside their domain can move to one point.

Letters: p numeric columns; a row's cells that cannot move (categories, indicators, immutable columns) form its key, and
only rows with the same key meet. Columns that count things are compared in whole units, hence without rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from efficienttrust.errors import UsageError
from efficienttrust.theory._conflicts import Boxes, Pairs, meeting_boxes
from efficienttrust.theory._embedding import Floats
from efficienttrust.theory._row_reach import WHOLE, row_reach

if TYPE_CHECKING:
    from efficienttrust.data import Domain

PART = 200_000
"""Pairs that are looked at together."""
OFF_GRID = 0.25
"""Part of a unit from which on a value is no whole number; less is what float32 leaves of large whole numbers."""


def meeting_rows(
    domain: Domain, x: Floats, first: NDArray[np.int64], second: NDArray[np.int64], eps: float, norm: str
) -> Iterator[Pairs]:
    """Yield the pairs (position in `first`, position in `second`) of rows that can meet.

    Under linf these are all such pairs. Under l1 and l2 they are those that meet at the point nearest to their middle
    in the common part of their boxes: surely conflicts, and nearly all.

    Raises:
        UsageError: The domain has relations between columns.
    """
    if domain.relations is not None:
        raise UsageError(
            "relations between columns are not supported here: a floor without them holds for attackers that may break "
            "them; give the domain without relations"
        )
    reach = row_reach(domain, x, eps)
    p = len(domain.lower)
    free = np.flatnonzero(domain.mutable)
    step = domain.step[free].astype(np.float64)
    counts = step > 0
    unit = np.where(counts, step, 1.0)
    place = x[:, free] / unit
    whole = np.where(counts, np.round(place - place[0]), 0.0)
    part = np.where(counts, place - place[0] - whole, 0.0)
    part = np.where(np.abs(part) > OFF_GRID, np.round(part, 1), 0.0)
    place = np.where(counts, whole, place)
    down, up = (
        np.where(counts, np.floor(room[:, free] / unit + WHOLE), room[:, free]) for room in (reach.down, reach.up)
    )
    boxes = Boxes(place - down, place + up)
    fixed = np.concatenate([x[:, p:], x[:, np.flatnonzero(~domain.mutable)], part], axis=1) + 0.0
    keys = np.unique(fixed, axis=0, return_inverse=True)[1].ravel()
    for i, j in _same_key(keys[first], keys[second]):
        for k, m in meeting_boxes(boxes.rows(first[i]), boxes.rows(second[j])):
            rows, others = i[k], j[m]
            if norm != "linf":
                kept = _meet_in_balls(boxes, place, unit, counts, first[rows], second[others], eps, norm)
                rows, others = rows[kept], others[kept]
            yield rows, others


def _same_key(left: NDArray[np.int64], right: NDArray[np.int64]) -> Iterator[Pairs]:
    """Yield the positions of each key that occurs on both sides."""
    order, other = np.argsort(left, kind="stable"), np.argsort(right, kind="stable")
    for key in np.intersect1d(left, right):
        bounds = [np.searchsorted(side, (key, key + 1)) for side in (left[order], right[other])]
        yield order[bounds[0][0] : bounds[0][1]], other[bounds[1][0] : bounds[1][1]]


def _meet_in_balls(
    boxes: Boxes,
    place: Floats,
    unit: Floats,
    counts: NDArray[np.bool_],
    i: NDArray[np.int64],
    j: NDArray[np.int64],
    eps: float,
    norm: str,
) -> NDArray[np.bool_]:
    """Return which pairs both reach the point of their boxes' common part that is nearest to their middle."""
    kept = []
    for start in range(0, len(i), PART):
        a, b = i[start : start + PART], j[start : start + PART]
        middle = (place[a] + place[b]) / 2
        middle = np.where(counts, np.floor(middle), middle)
        point = np.clip(middle, np.maximum(boxes.low[a], boxes.low[b]), np.minimum(boxes.high[a], boxes.high[b]))
        lengths = [np.linalg.norm((point - place[rows]) * unit, 1 if norm == "l1" else 2, axis=1) for rows in (a, b)]
        kept.append(np.maximum(*lengths) <= eps)
    return np.concatenate(kept) if kept else np.zeros(0, dtype=bool)
