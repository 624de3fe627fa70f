"""Areas, losses and calibration errors by group: the spreads behind their gaps and worst groups."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from efficienttrust.metrics.calibration import HOW, calibration_of
from efficienttrust.metrics.means import LOG_SCALE, group_means, groups_of_one_value
from efficienttrust.metrics.ranking import HOW as AREA_HOW
from efficienttrust.metrics.ranking import roc_area
from efficienttrust.metrics.rates import Rates, group_rates, odds_rates
from efficienttrust.metrics.spreads import Spread
from efficienttrust.metrics.values import Array, Floats, Outcome


def auc_by_group(outcome: Outcome, by: str | None, least: int = 1) -> Spread:
    """Return the area under the ROC curve of each group of a binary outcome, at least `least` groups."""
    rates = odds_rates(outcome, by)
    n, codes = sum(each.total for each in rates), outcome.partition(by)[0]
    obstacle = "; ".join(filter(None, (each.obstacle(least) for each in rates)))
    areas = []
    for rows in _rows(codes, () if obstacle else rates[0].names):
        weight = None if outcome.weight is None else outcome.weight[rows]
        areas.append(roc_area(outcome.y[rows], outcome.score[rows], weight))
    known = [area for area in areas if area is not None]
    if obstacle or len(known) < len(areas):
        return Spread.missing(n, obstacle or "some scores are not numbers")
    rarer = np.array([area.rarer for area in known])

    def ends(level: float) -> tuple[Floats, Floats]:
        low, high = np.array([area.ends(level) for area in known]).T
        return low, high

    note = "; ".join(filter(None, (each.small() for each in rates)))
    value = np.array([area.value for area in known])
    return Spread(value, ends, lambda alpha: alpha ** (1 / rarer), n, AREA_HOW, note)


def losses_by_group(losses: Floats, outcome: Outcome, by: str | None, least: int = 1) -> Spread:
    """Return the mean of row losses [n], each at least 0, in each group."""
    sizes, obstacle = _sizes(outcome, by, losses, least)
    if obstacle:
        return Spread.missing(sizes.total, obstacle)
    means = group_means(outcome.partition(by)[0], len(sizes.names), losses, outcome.weight)
    alike = _alike(outcome, by, losses)
    return Spread(means.value, means.log_ends, means.best, sizes.total, LOG_SCALE, sizes.small(), no_limit=alike)


def means_by_group(values: Array, outcome: Outcome, by: str | None) -> Spread:
    """Return the mean of numbers [n] in each of at least two groups."""
    sizes, obstacle = _sizes(outcome, by, values, 2)
    if obstacle:
        return Spread.missing(sizes.total, obstacle)
    means = group_means(outcome.partition(by)[0], len(sizes.names), values, outcome.weight)
    alike = _alike(outcome, by, values)
    return Spread(means.value, means.ends, means.best, sizes.total, "Student", sizes.small(), no_limit=alike)


def calibration_by_group(outcome: Outcome, by: str | None, least: int = 1, corrected: bool = False) -> Spread:
    """Return the calibration error of each group, as measured or without the upward bias of the group's size."""
    sizes, obstacle = _sizes(outcome, by, outcome.score, least)
    if obstacle:
        return Spread.missing(sizes.total, obstacle)
    found = [calibration_of(outcome, rows) for rows in _rows(outcome.partition(by)[0], sizes.names)]
    value = np.array([each.corrected() if corrected else each.error for each in found])

    def ends(level: float) -> tuple[Floats, Floats]:
        low, high = np.array([each.ends((1 - level) / 2, (1 - level) / 2) for each in found]).T
        return np.minimum(low, value), np.maximum(high, value)

    def best(alpha: float) -> Floats:
        reach: Floats = ends(1 - 2 * alpha)[1] - value
        return reach

    return Spread(value, ends, best, sizes.total, HOW, sizes.small())


def _rows(codes: Array, names: tuple[str, ...]) -> list[Array]:
    """Return the positions of the rows of each group."""
    order = np.argsort(codes, kind="stable")
    ends = np.searchsorted(codes[order], np.arange(len(names) + 1))
    return [order[start:end] for start, end in pairwise(ends)]


def _alike(outcome: Outcome, by: str | None, values: Floats) -> str:
    """Return which groups show one value only, which says nothing about other rows of theirs, or an empty text."""
    codes, names = outcome.partition(by)
    alike = groups_of_one_value(codes, len(names), values, outcome.weight)
    named = ", ".join(repr(name) for name, same in zip(names, alike, strict=True) if same)
    return f"all rows of {named} have the same value, which says nothing about others" if named else ""


def _sizes(outcome: Outcome, by: str | None, values: Array, least: int) -> tuple[Rates, str]:
    """Return the groups with their sizes, and why nothing can be said about `values` in at least `least` of them."""
    codes, names = outcome.partition(by)
    everyone = np.ones(len(outcome.y), dtype=bool)
    sizes = group_rates(codes, names, everyone, everyone, "rows", outcome.weight)
    finite = np.isfinite(values).all()
    return sizes, sizes.obstacle(least) or ("" if finite else "some scores are not numbers")
