"""Metrics that are a function of the four cells of the confusion table (F1, MCC, balanced accuracy)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from efficienttrust.metrics.bootstrap import (
    COUNT_REPEATS,
    ROW_REPEATS,
    generator,
    percentile_estimate,
    percentile_limit,
    repeats_for,
    resampled_sums,
)
from efficienttrust.metrics.values import Estimate, Floats, Limit, Outcome

Statistic = Callable[[Floats, Floats, Floats, Floats], Floats]
"""(true positives, false positives, false negatives, true negatives) -> value; NaN where it is not defined."""


def confusion_estimate(statistic: Statistic, outcome: Outcome, level: float) -> Estimate:
    """Return a statistic of the confusion table with its bootstrap interval."""
    n = len(outcome.y)
    if obstacle := one_class(outcome):
        return Estimate.missing(n, obstacle)
    value = _apply(statistic, _cells(outcome).sum(axis=0))
    draws = _draws(_cells(outcome), COUNT_REPEATS if outcome.weight is None else ROW_REPEATS, outcome.weight is None)
    return percentile_estimate(float(value), _apply(statistic, draws), level, n)


def confusion_limit(statistic: Statistic, outcome: Outcome, alpha: float) -> Limit:
    """Return the lower bootstrap limit of a statistic; the best possible estimate is the same rows without an error."""
    n = len(outcome.y)
    if obstacle := one_class(outcome):
        return Limit.missing(n, obstacle)
    cells, plain = _cells(outcome), outcome.weight is None
    perfect = np.stack([cells[:, 0] + cells[:, 2], 0 * cells[:, 0], 0 * cells[:, 0], cells[:, 1] + cells[:, 3]], axis=1)
    repeats = repeats_for(alpha, COUNT_REPEATS if plain else ROW_REPEATS)
    draws, best = (_apply(statistic, _draws(table, repeats, plain)) for table in (cells, perfect))
    return percentile_limit(draws, best, alpha, n)


def one_class(outcome: Outcome) -> str:
    """Return why nothing can be said about both classes, or an empty text."""
    if len(outcome.y) == 0:
        return "no rows here"
    if np.all(outcome.y == outcome.y[0]):
        return f"all rows have the label {int(outcome.y[0])}"
    return ""


def divide(above: Floats, below: Floats) -> Floats:
    """Return above / below, NaN where below is 0."""
    quotient: Floats = np.divide(above, below, out=np.full(np.shape(above), np.nan), where=np.asarray(below) != 0)
    return quotient


def _cells(outcome: Outcome) -> Floats:
    """Return indicators [n, 4] of TP, FP, FN, TN, times the weight of the row."""
    y, predicted = np.asarray(outcome.y, dtype=bool), np.asarray(outcome.prediction, dtype=bool)
    cells = np.stack([y & predicted, ~y & predicted, y & ~predicted, ~y & ~predicted], axis=1).astype(np.float64)
    return cells if outcome.weight is None else cells * np.asarray(outcome.weight, dtype=np.float64)[:, None]


def _draws(cells: Floats, repeats: int, plain: bool) -> Floats:
    """Return resampled tables [repeats, 4]; half a row more in each cell, so that no errors do not mean no doubt."""
    if not plain:
        return resampled_sums(cells, repeats, generator())
    counts = cells.sum(axis=0)
    shares = (counts + 0.5) / (counts.sum() + 2)
    return generator().multinomial(int(counts.sum()), shares, size=repeats).astype(np.float64)


def _apply(statistic: Statistic, tables: Floats) -> Floats:
    return statistic(tables[..., 0], tables[..., 1], tables[..., 2], tables[..., 3])
