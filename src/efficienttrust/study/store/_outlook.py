"""How far a study is, by cell, and how much work is left."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from efficienttrust.study.store._store import Store
from efficienttrust.study.store._values import STATES, CellCount

_LEFT = ("waiting", "running")


@dataclass(frozen=True)
class CellOutlook:
    """One cell: its levels, its trials by state, and the mean seconds of those that came to a result (else NaN)."""

    cell: str
    factors: Mapping[str, str]
    counts: Mapping[str, int]
    seconds: float


@dataclass(frozen=True)
class Outlook:
    """How far a study is.

    Attributes:
        counts: Trials by state.
        cells: In the order of the plan.
        seconds_left: Predicted seconds of one worker for trials that wait or run; NaN while nothing is known.
    """

    counts: Mapping[str, int]
    cells: tuple[CellOutlook, ...]
    seconds_left: float


def outlook(store: Store) -> Outlook:
    """Return how far the study of a store is.

    What is left of a cell takes the mean of its finished trials; in a cell without any, what was predicted times how
    far predictions were off elsewhere, or the mean over all where nothing was predicted.
    """
    observed, rows = store.costs(), store.cells()
    levels = {row.cell: row.factors for row in rows}
    by_cell: dict[str, dict[str, int]] = {cell: dict.fromkeys(STATES, 0) for cell in levels}
    for row in rows:
        by_cell[row.cell][row.state] = row.count
    return Outlook(
        counts={state: sum(counts[state] for counts in by_cell.values()) for state in STATES},
        cells=tuple(
            CellOutlook(cell, levels[cell], counts, observed.get(cell, math.nan)) for cell, counts in by_cell.items()
        ),
        seconds_left=_seconds_left(rows, observed),
    )


def _seconds_left(rows: Sequence[CellCount], observed: Mapping[str, float]) -> float:
    left = [row for row in rows if row.state in _LEFT]
    if not left:
        return 0.0
    known = [row for row in rows if row.state not in _LEFT and row.cell in observed]
    spent, predicted = sum(row.count * observed[row.cell] for row in known), sum(row.cost for row in known)
    mean = spent / sum(row.count for row in known) if known else math.nan
    ratio = spent / predicted if predicted > 0 else 1.0

    def seconds(row: CellCount) -> float:
        if row.cell in observed:
            return row.count * observed[row.cell]
        return row.cost * ratio if row.cost > 0 else row.count * mean

    return sum(map(seconds, left))
