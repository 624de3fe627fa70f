"""Metrics that are a function of the confusion table (F1, MCC, balanced accuracy), for two classes or many.

The table is drawn from its multinomial law, two rows more spread over the cells that a resample may fill, so that no
errors do not mean no doubt. With weighted rows the weight of a cell is drawn too: normal, with the mean and the spread
of its rows' weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from efficienttrust.metrics.bootstrap import (
    CHUNK,
    COUNT_REPEATS,
    ROW_REPEATS,
    generator,
    percentile_estimate,
    percentile_limit,
    repeats_for,
)
from efficienttrust.metrics.values import Array, Estimate, Floats, Limit, Outcome

Statistic = Callable[[Floats, Floats, Floats], Floats]
"""(hits, actual, predicted), each [..., K] rows by class -> value [...]; NaN where it is not defined."""

FEW_CELLS = 100
"""Tables of at most so many cells are resampled `COUNT_REPEATS` times, larger ones `ROW_REPEATS` times."""


def confusion_estimate(statistic: Statistic, outcome: Outcome, level: float) -> Estimate:
    """Return a statistic of the confusion table with its bootstrap interval."""
    if obstacle := one_class(outcome):
        return Estimate.missing(len(outcome.y), obstacle)
    return table_estimate(statistic, ConfusionTable.of(outcome), level)


def table_estimate(statistic: Statistic, table: ConfusionTable, level: float) -> Estimate:
    """Return a statistic of a confusion table that has rows of every class, with its bootstrap interval."""
    repeats = COUNT_REPEATS if len(table.count) <= FEW_CELLS else ROW_REPEATS
    draws = table.resample(statistic, repeats)
    return percentile_estimate(table.apply(statistic), draws, level, round(table.count.sum()))


def confusion_limit(statistic: Statistic, outcome: Outcome, alpha: float) -> Limit:
    """Return the lower bootstrap limit of a statistic; the best possible estimate is the same rows without an error."""
    n = len(outcome.y)
    if obstacle := one_class(outcome):
        return Limit.missing(n, obstacle)
    table = ConfusionTable.of(outcome)
    repeats = repeats_for(alpha, COUNT_REPEATS if len(table.count) <= FEW_CELLS else ROW_REPEATS)
    draws, best = (cells.resample(statistic, repeats) for cells in (table, table.without_errors()))
    return percentile_limit(draws, best, alpha, n)


def one_class(outcome: Outcome) -> str:
    """Return why nothing can be said about all classes, or an empty text."""
    names = outcome.class_names
    return absent_classes(np.bincount(np.asarray(outcome.y, dtype=np.int64), outcome.weight, len(names)), names)


def absent_classes(mass: Array, names: tuple[str, ...]) -> str:
    """Return why nothing can be said about all classes whose rows have that weight [K], or an empty text."""
    if mass.sum() == 0:
        return "no rows here"
    there = mass > 0
    if there.sum() == 1:
        return f"all rows have the label {names[int(there.argmax())]}"
    absent = [repr(name) for name, present in zip(names, there, strict=True) if not present]
    shown = ", ".join(absent[:4]) + (", …" if len(absent) > 4 else "")
    return f"no rows of the {'class' if len(absent) == 1 else 'classes'} {shown} here" if absent else ""


def divide(above: Floats, below: Floats) -> Floats:
    """Return above / below, NaN where below is 0."""
    quotient: Floats = np.divide(above, below, out=np.full(np.shape(above), np.nan), where=np.asarray(below) != 0)
    return quotient


@dataclass(frozen=True, eq=False)
class ConfusionTable:
    """The cells of a confusion table that hold rows, or could in a resample.

    Attributes:
        actual: [cells] class of the label.
        predicted: [cells] class of the decision.
        count: [cells] rows.
        mean: [cells] mean weight of a row.
        spread: [cells] standard deviation of the weight of a row.
        k: Classes.
    """

    actual: Array
    predicted: Array
    count: Floats
    mean: Floats
    spread: Floats
    k: int

    @classmethod
    def of(cls, outcome: Outcome) -> ConfusionTable:
        """Return the table of an outcome."""
        k = len(outcome.class_names)
        cell = np.asarray(outcome.y, dtype=np.int64) * k + np.asarray(outcome.prediction, dtype=np.int64)
        count = np.bincount(cell, minlength=k * k).astype(np.float64)
        mean, spread = np.ones(k * k), np.zeros(k * k)
        if outcome.weight is not None:
            w = np.asarray(outcome.weight, dtype=np.float64)
            filled = np.maximum(count, 1)
            mean = np.where(count > 0, np.bincount(cell, w, k * k) / filled, w.mean())
            spread = np.sqrt(np.bincount(cell, (w - mean[cell]) ** 2, k * k) / filled)
        return cls.of_cells(count, mean, spread, k)

    @classmethod
    def of_cells(cls, count: Floats, mean: Floats, spread: Floats, k: int) -> ConfusionTable:
        """Return the table from the rows of all K * K cells and the mean and spread of their weights."""
        own = np.arange(k)
        used = np.union1d(np.flatnonzero(count), np.concatenate([own * k + own, own * k + (own + 1) % k]))
        return cls(used // k, used % k, count[used], mean[used], spread[used], k)

    def without_errors(self) -> ConfusionTable:
        """Return the table had every row been decided right."""
        right = self.actual == self.predicted
        rows, mass = (
            np.bincount(self.actual, each, self.k)[self.actual] for each in (self.count, self.count * self.mean)
        )
        count = np.where(right, rows, 0.0)
        mean = np.where(count > 0, mass / np.maximum(rows, 1), self.mean)
        return ConfusionTable(self.actual, self.predicted, count, mean, self.spread, self.k)

    def apply(self, statistic: Statistic) -> float:
        """Return the statistic of the table."""
        values: Floats = statistic(*self._margins((self.count * self.mean)[None]))
        return float(values[0])

    def resample(self, statistic: Statistic, repeats: int) -> Floats:
        """Return the statistic of resamples of the table [repeats]."""
        rng, shares = generator(), self.count + 2 / len(self.count)
        step, found = max(1, CHUNK // len(self.count)), []
        for start in range(0, repeats, step):
            size = min(step, repeats - start)
            drawn = rng.multinomial(round(self.count.sum()), shares / shares.sum(), size).astype(np.float64)
            mass = drawn * self.mean
            if self.spread.any():
                mass = np.maximum(mass + rng.standard_normal(mass.shape) * np.sqrt(drawn) * self.spread, 0)
            found.append(statistic(*self._margins(mass)))
        return np.concatenate(found)

    def _margins(self, mass: Floats) -> tuple[Floats, Floats, Floats]:
        """Return (hits, actual, predicted) by class [repeats, K] of masses [repeats, cells]."""
        order = np.argsort(self.predicted, kind="stable")
        hits = mass[:, self.actual == self.predicted]  # every class has its diagonal cell, and cells are in its order
        actual = np.add.reduceat(mass, np.searchsorted(self.actual, np.arange(self.k)), axis=1)
        starts = np.searchsorted(self.predicted[order], np.arange(self.k))
        return hits, actual, np.add.reduceat(mass[:, order], starts, axis=1)
