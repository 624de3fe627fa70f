"""The long tail: do the cells that were rare in training pay for the compression?

A cell is a group (all sensitive attributes together) and a class; of a regression, a group. Hooker et al. 2020 found
the error to rise most in the rarest cells while the average hardly moved.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from efficienttrust.data import Problem, Split
from efficienttrust.evaluation.harm._answers import Array, Pair
from efficienttrust.evaluation.harm._effects import MOST_CELLS, Effects
from efficienttrust.evaluation.harm._groups import rows_by_code
from efficienttrust.metrics import Estimate

FEWEST_CELLS = 5
"""Fewer cells have no rank correlation worth a number."""
FEWEST_ROWS = 10
"""Cells with fewer test rows are left out of the correlation: their error is noise."""


@dataclass(frozen=True)
class TailCell:
    """A cell of the long tail.

    Attributes:
        group: Name of the group, "" where there are none.
        label: Name of the class, "" of a regression.
        train_rows: Training rows in the cell.
        train_share: Their share of the training rows that are in any cell.
        n: Rows here.
        error_before: Error rate, or mean absolute error, of the dense model.
        error_after: That of the compressed model.
        error_change: After minus before, with a paired interval.
    """

    group: str
    label: str
    train_rows: int
    train_share: float
    n: int
    error_before: Estimate
    error_after: Estimate
    error_change: Estimate


@dataclass(frozen=True)
class Tail:
    """The cells, rarest first, and whether rarity goes with harm.

    Attributes:
        cells: The rarest cells with a row here, at most 200.
        count: Number of cells with a row here.
        correlation: Kendall's tau-b of rarity (a smaller share of the training rows) and change in error; above 0 the
            rare cells are hurt more. NaN where it cannot be estimated, and then `note` says why.
        p: Its p-value.
        cells_correlated: Cells that it rests on: those with at least ten rows here.
        note: Why there is no correlation.
    """

    cells: tuple[TailCell, ...]
    count: int
    correlation: float
    p: float
    cells_correlated: int
    note: str = ""


def tail_of(problem: Problem, pair: Pair, effects: Effects) -> Tail:
    """Return the long tail of a problem; training rows count once each, whatever their weights."""
    groups = problem.group_names if problem.splits["train"].codes else ("",)
    classes = tuple(problem.classes) if pair.decides else ("",)
    total = len(groups) * len(classes)
    here = rows_by_code(_cells(pair.split, groups, classes), total)
    trained = _cells(problem.splits["train"], groups, classes)
    counts = np.bincount(trained[trained >= 0], minlength=total)
    kept = sorted((place for place in range(total) if len(here[place])), key=lambda place: (counts[place], place))
    shares = counts / max(counts.sum(), 1)
    cells = []
    for place in kept[:MOST_CELLS]:
        effect = effects.of(here[place])
        cells.append(
            TailCell(
                groups[place // len(classes)], classes[place % len(classes)], int(counts[place]), float(shares[place]),
                effect.n, effect.error_before, effect.error_after, effect.error_change,
            )
        )  # fmt: skip
    judged = [place for place in kept if len(here[place]) >= FEWEST_ROWS]
    change = np.array([effects.change(here[place], effects.level).value for place in judged])
    return Tail(tuple(cells), len(kept), *rank_correlation(-counts[judged], change), len(judged), _why(judged, change))


def rank_correlation(rarity: Array, change: Array) -> tuple[float, float]:
    """Return (Kendall's tau-b, p-value) over cells; NaN where there are too few or nothing varies."""
    from scipy import stats

    if len(change) < FEWEST_CELLS or np.ptp(rarity) == 0 or np.ptp(change) == 0:
        return float("nan"), float("nan")
    found = stats.kendalltau(rarity, change)
    return float(found.statistic), float(found.pvalue)


def _why(judged: list[int], change: Array) -> str:
    if len(judged) < FEWEST_CELLS:
        return f"{len(judged)} cells have at least {FEWEST_ROWS} rows here; a correlation needs {FEWEST_CELLS}"
    return "no cell's error changed differently from another's" if np.ptp(change) == 0 else ""


def _cells(split: Split, groups: tuple[str, ...], classes: tuple[str, ...]) -> Array:
    """Return the cell of each row, -1 where its group is not known."""
    group = split.groups if split.codes else np.zeros(len(split), dtype=np.int64)
    label = split.y.astype(np.int64) if len(classes) > 1 else np.zeros(len(split), dtype=np.int64)
    return np.where(group >= 0, group * len(classes) + label, -1)
