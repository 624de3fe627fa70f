"""Areas under the ROC and the precision-recall curve, each with the influence of every row, which gives its error.

The influence of a row is what the area gains per unit of relative weight of that row; the sum of its squares is the
variance of the area (the infinitesimal jackknife). For the ROC curve that is DeLong's variance. One sort, no resamples,
so ten million rows cost seconds. Intervals are formed on the logit scale, which keeps them inside (0, 1).

References:
    DeLong, DeLong and Clarke-Pearson 1988 (variance of the area under ROC). Efron 1982 (infinitesimal jackknife).
    Qin and Hotilovac 2008 compare intervals; the logit scale covers best.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from efficienttrust.metrics.classes import class_views
from efficienttrust.metrics.intervals import percent, two_sided_z, wilson
from efficienttrust.metrics.values import Array, Estimate, Floats, Limit, Outcome

HOW = "infinitesimal jackknife on the logit scale"
OBSTACLE = "needs rows of both labels and finite scores"
NO_SPREAD = 1e-12
"""Standard errors below this are nothing but rounding."""


@dataclass(frozen=True, eq=False)
class Area:
    """An area under a curve, or the mean of several.

    Attributes:
        value: The area.
        influence: [n] influence of each row, so that the squares add up to the variance of the area.
        rarer: Rows of the rarer label (weighted: their effective size): what limits the proof of a perfect area.
    """

    value: float
    influence: Floats
    rarer: float

    @property
    def error(self) -> float:
        """Standard error of the area."""
        return float(np.sqrt(self.influence @ self.influence))

    def ends(self, level: float) -> tuple[float, float]:
        """Return the two-sided interval, with the quantile of Student's t for as many rows as the rarer label has.

        A perfect area of m rows of the rarer label has the lower end tail^(1/m), as m hits of m have. Without any
        spread (all scores tied) the error says nothing, and Wilson's interval of m trials stands in.
        """
        from scipy import special

        if not 0 < self.value < 1:
            end = ((1 - level) / 2) ** (1 / self.rarer)
            return (end, 1.0) if self.value >= 1 else (0.0, 1 - end)
        if self.error < NO_SPREAD:
            low, high = wilson(self.value * self.rarer, self.rarer, two_sided_z(level))
            return float(low), float(high)
        odds = self.value / (1 - self.value)
        quantile = float(special.stdtrit(max(self.rarer - 1, 1), 0.5 + level / 2))
        factor = np.exp(min(quantile * self.error / (self.value * (1 - self.value)), 500.0))
        return float(1 / (1 + factor / odds)), float(1 / (1 + 1 / (odds * factor)))


AreaOf = Callable[[Array, Array, Array | None], Area | None]
"""(labels, scores, weights) -> the area, or None where one label is absent or a score is not a number."""


def roc_area(y: Array, score: Array, weight: Array | None) -> Area | None:
    """Return the share of (positive, negative) pairs in the right order, ties counted half."""
    positive = np.asarray(y, dtype=bool)
    w = np.ones(len(positive)) if weight is None else np.asarray(weight, dtype=np.float64)
    if not _rankable(positive, score, w):
        return None
    up, down = _Sorted.of(score[positive], w[positive]), _Sorted.of(score[~positive], w[~positive])
    above = 1 - up.share_below(score[~positive])  # of positives, for each negative
    below = down.share_below(score[positive])
    value = float(np.average(below, weights=w[positive]))
    influence = np.empty(len(positive))
    for rows, placed in ((positive, below), (~positive, above)):
        m = len(placed)
        influence[rows] = w[rows] / w[rows].sum() * (placed - value) * np.sqrt(m / max(m - 1, 1))
        if m == 1:
            influence[rows] = widest_spread(value)
    return Area(value, influence, _rarer(positive, w))


def precision_area(y: Array, score: Array, weight: Array | None) -> Area | None:
    """Return the mean, over positives, of the precision among rows that score at least as high (average precision).

    Letters: T and A are the weight of positives and of all rows that score at least as high; P is that of all
    positives. The area is sum w T / A over positives, divided by P; its influences are the derivatives by w.
    """
    positive = np.asarray(y, dtype=bool)
    w = np.ones(len(positive)) if weight is None else np.asarray(weight, dtype=np.float64)
    if not _rankable(positive, score, w):
        return None
    order = np.argsort(-np.asarray(score, dtype=np.float64), kind="stable")
    s, hit, w = score[order], positive[order].astype(np.float64), w[order]
    last = np.append(np.flatnonzero(s[1:] != s[:-1]), len(s) - 1)
    tie = np.repeat(np.arange(len(last)), np.diff(last, prepend=-1))  # number of the run of equal scores of each row
    t, a = np.cumsum(hit * w)[last][tie], np.cumsum(w)[last][tie]
    total = t[-1]
    a = np.maximum(a, np.finfo(float).tiny)
    value = float((hit * w * t / a).sum() / total)
    gain, loss = (_from_below(hit * w * part, last, tie) for part in (1 / a, t / a**2))
    influence = np.empty(len(s))
    influence[order] = w * (hit * (t / a - value) + hit * gain - loss) / total
    if positive.sum() == 1:
        influence[positive] = widest_spread(value)
    n = len(s)
    return Area(value, influence * np.sqrt(n / max(n - 1, 1)), _rarer(hit > 0, w))


def widest_spread(value: float) -> float:
    """Return the largest standard deviation of places in [0, 1] whose mean is `value`: all that one row tells."""
    return float(np.sqrt(max(value * (1 - value), 0.0)))


def mean_area(areas: list[Area]) -> Area:
    """Return the mean of areas over the same rows; their errors are correlated, which influences carry."""
    influence: Floats = np.mean([area.influence for area in areas], axis=0)
    return Area(float(np.mean([area.value for area in areas])), influence, min(area.rarer for area in areas))


def outcome_area(area_of: AreaOf, outcome: Outcome) -> tuple[Area | None, int, str]:
    """Return (area, rows, why there is none); for many classes the mean over classes, each against the rest."""
    n = len(outcome.y)
    if outcome.task == "binary":
        return area_of(outcome.y, outcome.score, outcome.weight), n, OBSTACLE
    areas = {name: area_of(view.y, view.score, outcome.weight) for name, view in class_views(outcome)}
    silent = [repr(name) for name, area in areas.items() if area is None]
    if silent:
        return None, n, f"class {', '.join(silent[:4])}{', …' if len(silent) > 4 else ''} {OBSTACLE}"
    return mean_area([area for area in areas.values() if area is not None]), n, ""


def area_estimate(area: Area | None, n: int, note: str, level: float, how: str = HOW) -> Estimate:
    """Return the estimate of an area over n rows; without one, `note` says why."""
    if area is None or np.isnan(area.value):
        return Estimate.missing(n, note)
    return Estimate(area.value, *area.ends(level), n, f"{how} {percent(level)}")


def area_limit(area: Area | None, n: int, note: str, alpha: float, how: str = HOW) -> Limit:
    """Return the lower limit, never above what m perfectly ranked rows of the rarer label prove: alpha^(1/m)."""
    if area is None or np.isnan(area.value):
        return Limit.missing(n, note)
    best = float(alpha ** (1 / area.rarer))
    return Limit(min(best, area.ends(1 - 2 * alpha)[0]), best, n, how)


def _rankable(positive: Array, score: Array, weight: Floats) -> bool:
    return bool(weight[positive].any()) and bool(weight[~positive].any()) and bool(np.isfinite(score).all())


def _rarer(positive: Array, weight: Floats) -> float:
    sums = [(float(w.sum()), float(w @ w)) for w in (weight[positive], weight[~positive])]
    return min(mass**2 / squares for mass, squares in sums)


@dataclass(frozen=True, eq=False)
class _Sorted:
    """Scores in ascending order, with the weight below each position."""

    score: Array
    mass: Floats

    @classmethod
    def of(cls, score: Array, weight: Floats) -> _Sorted:
        order = np.argsort(score, kind="stable")
        return cls(score[order], np.concatenate([[0.0], np.cumsum(weight[order])]))

    def share_below(self, at: Array) -> Floats:
        """Return the share of weight that scores lower, ties counted half."""
        order = np.argsort(at, kind="stable")  # sorted queries keep the search in the cache
        low, high = (self.mass[np.searchsorted(self.score, at[order], side)] for side in ("left", "right"))
        share = np.empty(len(at))
        share[order] = (low + high) / (2 * self.mass[-1])
        return share


def _from_below(values: Floats, last: Array, tie: Array) -> Floats:
    """Return, for each row in descending order, the sum of `values` over rows that score the same or lower."""
    total = np.cumsum(values[::-1])[::-1]
    first = np.append(0, last[:-1] + 1)
    sums: Floats = total[first][tie]
    return sums
