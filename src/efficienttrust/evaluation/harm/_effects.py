"""What a compression did to a set of rows: how many flipped, which way, and how the error changed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from efficienttrust.data import Problem
from efficienttrust.evaluation.harm._answers import Array, Pair
from efficienttrust.evaluation.harm._groups import codes_of, rows_by_code
from efficienttrust.evaluation.harm._paired import error_change, error_of, share
from efficienttrust.metrics import Estimate
from efficienttrust.metrics.means import loss_estimate

MOST_CELLS = 200
"""Most cells (group and class) of a partition that are listed."""


@dataclass(frozen=True)
class Effect:
    """What happened to the rows of one set.

    Attributes:
        group: Name of the group, "" for rows of all groups.
        label: Name of the class, "" for rows of all classes and of a regression.
        n: Rows.
        flips: Share of rows whose decision changed; None for a regression.
        right_to_wrong: Share of rows that were right and are wrong; None for a regression.
        wrong_to_right: The opposite.
        moved: Mean distance by which the predicted number moved, in units of the label; None unless a regression.
        error_before: Error rate of the dense model, or its mean absolute error.
        error_after: That of the compressed model.
        error_change: After minus before, with a paired interval; above 0 is harm.
    """

    group: str
    label: str
    n: int
    flips: Estimate | None
    right_to_wrong: Estimate | None
    wrong_to_right: Estimate | None
    moved: Estimate | None
    error_before: Estimate
    error_after: Estimate
    error_change: Estimate


@dataclass(frozen=True)
class Partition:
    """The groups of one sensitive attribute, or of all together.

    Attributes:
        by: The attribute, "" for the intersections of all.
        groups: One entry per group, in the order of the codes; empty groups too.
        cells: One entry per group and class with a row; empty where there are more than 200 or the task is a
            regression.
        unknown: Rows whose group is not known.
    """

    by: str
    groups: tuple[Effect, ...]
    cells: tuple[Effect, ...]
    unknown: int


class Effects:
    """Computes effects of a pair of models.

    Args:
        pair: Both models' answers.
        level: Level of the intervals.
    """

    def __init__(self, pair: Pair, level: float) -> None:
        self._pair, self.level = pair, level
        self._before, self._after = pair.errors(pair.before), pair.errors(pair.after)
        self._flipped = pair.flipped if pair.decides else None
        self._moved = pair.moved

    def of(self, rows: Array, group: str = "", label: str = "") -> Effect:
        """Return what happened to rows at these positions."""
        pair, level = self._pair, self.level
        weight = None if pair.split.weight is None else pair.split.weight[rows]
        before, after = self._before[rows], self._after[rows]
        flips = harmed = helped = moved = None
        if self._flipped is not None:
            flips = share(self._flipped[rows], weight, level)
            harmed = share((after > 0) & (before == 0), weight, level)
            helped = share((after == 0) & (before > 0), weight, level)
        else:
            moved = loss_estimate(self._moved[rows], weight, level)
        return Effect(
            group, label, len(rows), flips, harmed, helped, moved,
            error_of(pair, before, weight, level), error_of(pair, after, weight, level), self.change(rows, level),
        )  # fmt: skip

    def change(self, rows: Array, level: float) -> Estimate:
        """Return the change in error of rows at these positions."""
        weight = None if self._pair.split.weight is None else self._pair.split.weight[rows]
        return error_change(self._pair, self._before[rows], self._after[rows], weight, level)


def partition_of(problem: Problem, pair: Pair, effects: Effects, by: str) -> Partition:
    """Return the effects in the groups of an attribute ("" for all together), and in their classes."""
    codes, names = codes_of(problem, pair, by)
    groups = tuple(effects.of(rows, name) for name, rows in zip(names, rows_by_code(codes, len(names)), strict=True))
    cells: tuple[Effect, ...] = ()
    if pair.decides and len(names) * len(problem.classes) <= MOST_CELLS:
        k = len(problem.classes)
        cell = np.where(codes >= 0, codes * k + pair.split.y, -1)
        cells = tuple(
            effects.of(rows, names[place // k], problem.classes[place % k])
            for place, rows in enumerate(rows_by_code(cell, len(names) * k))
            if len(rows)
        )
    return Partition(by, groups, cells, int((codes < 0).sum()))


def classes_of(problem: Problem, pair: Pair, effects: Effects) -> tuple[Effect, ...]:
    """Return the effect in each class, by true label; nothing for a regression."""
    found = zip(problem.classes, rows_by_code(pair.split.y.astype(np.int64), len(problem.classes)), strict=True)
    return tuple(effects.of(rows, label=name) for name, rows in found) if pair.decides else ()
