"""Any estimate by group, with its interval: the gap between groups and the worst group, in closed form.

The interval of a difference of two independent estimates is built from their own intervals, distances added in squares
(the method of variance estimates recovery, of which Newcombe's interval for rates is the best-known case). The lower
end of the gap of many groups holds for all pairs at once (Bonferroni); its limit does not need to (see `gaps`).

References:
    Zou and Donner 2008.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from efficienttrust.metrics.intervals import folded, percent
from efficienttrust.metrics.values import Array, Estimate, Floats, Limit

Ends = Callable[[float], tuple[Floats, Floats]]


@dataclass(frozen=True, eq=False)
class Spread:
    """One estimate per group.

    Attributes:
        value: [K] estimates.
        ends: Level -> two-sided interval of each group, ([K], [K]).
        best: Alpha -> limit of each group at level 1 - alpha, had it shown the best possible estimate, [K].
        n: Rows in all groups.
        how: Method of the intervals.
        note: What weakens them.
        obstacle: Why nothing can be estimated, or an empty text.
        no_limit: Why there is no limit on what can be estimated, or an empty text.
    """

    value: Floats
    ends: Ends
    best: Callable[[float], Floats]
    n: int
    how: str
    note: str = ""
    obstacle: str = ""
    no_limit: str = ""

    @classmethod
    def missing(cls, n: int, obstacle: str) -> Spread:
        """Return the spread of groups of which nothing can be said, for the reason given."""
        none = np.empty(0)
        return cls(none, lambda level: (none, none), lambda alpha: none, n, "", obstacle=obstacle)


def spread_gap(spread: Spread, level: float, high: float = 1.0) -> Estimate:
    """Return max - min over groups with its interval; `high` is the largest gap that can be."""
    if spread.obstacle:
        return Estimate.missing(spread.n, spread.obstacle)
    first, second = np.triu_indices(len(spread.value), 1)
    joint = 1 - (1 - level) / len(first)
    low = folded(*_differences(spread, first, second, joint))[0].max()
    top = min(high, float(folded(*_differences(spread, first, second, level))[1].max()))
    how = f"{spread.how} {percent(level)}, distances added in squares"
    return Estimate(float(np.ptp(spread.value)), float(low), top, spread.n, how, spread.note)


def spread_gap_limit(spread: Spread, alpha: float, high: float = 1.0) -> Limit:
    """Return the upper limit of max - min: the largest over ordered pairs, each at alpha."""
    if spread.obstacle or spread.no_limit:
        return Limit.missing(spread.n, spread.obstacle or spread.no_limit)
    first, second = np.nonzero(~np.eye(len(spread.value), dtype=bool))
    difference = spread.value[first] - spread.value[second]
    _, top = _differences(spread, first, second, 1 - 2 * alpha)
    method = f"{spread.how}, distances added in squares"
    value, best = float(np.max(top)), float(np.max(top - difference))
    return Limit(min(high, value), min(high, best, value), spread.n, method, spread.note)


def spread_worst(spread: Spread, level: float, better: str) -> Estimate:
    """Return the worst group's estimate.

    The end on the worse side is the worst of the groups' own; the other one holds for all groups at once (Šidák),
    because the group that looks worst is picked for looking bad.
    """
    if spread.obstacle:
        return Estimate.missing(spread.n, spread.obstacle)
    groups = len(spread.value)
    own, joint = spread.ends(level), spread.ends(2 * (0.5 + level / 2) ** (1 / groups) - 1)
    how = f"{spread.how} {percent(level)}" + (f", worst of {groups} groups" if groups > 1 else "")
    if better == "higher":
        value, low, high = spread.value.min(), own[0].min(), joint[1].min()
    else:
        value, low, high = spread.value.max(), joint[0].max(), own[1].max()
    return Estimate(float(value), float(low), float(high), spread.n, how, spread.note)


def spread_worst_limit(spread: Spread, alpha: float, better: str) -> Limit:
    """Return the worst of the groups' limits at alpha, valid for the worst group without a correction."""
    if spread.obstacle or spread.no_limit:
        return Limit.missing(spread.n, spread.obstacle or spread.no_limit)
    low, high = spread.ends(1 - 2 * alpha)
    best = spread.best(alpha)
    value, best_value = (low.min(), best.min()) if better == "higher" else (high.max(), best.max())
    method = f"{spread.how}, worst of {len(low)} groups"
    return Limit(float(value), float(best_value), spread.n, method, spread.note)


def _differences(spread: Spread, first: Array, second: Array, level: float) -> tuple[Floats, Floats]:
    value, (low, high) = spread.value, spread.ends(level)
    difference = value[first] - value[second]
    below = np.hypot(value[first] - low[first], high[second] - value[second])
    above = np.hypot(high[first] - value[first], value[second] - low[second])
    return difference - below, difference + above
