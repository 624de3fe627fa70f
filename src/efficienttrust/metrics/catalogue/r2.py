"""Coefficient of determination."""

from __future__ import annotations

import numpy as np

from efficienttrust.metrics.intervals import percent
from efficienttrust.metrics.means import LOG_SCALE, Means, one_value, unusable
from efficienttrust.metrics.metric import Arguments, Metric, metrics
from efficienttrust.metrics.values import Estimate, Limit, Outcome


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    n = len(outcome.y)
    if obstacle := _obstacle(outcome):
        return Estimate.missing(n, obstacle)
    left = _left_over(outcome)
    low, high = left.log_ends(level)
    return Estimate(1 - float(left.value[0]), 1 - float(high[0]), 1 - float(low[0]), n, f"{LOG_SCALE} {percent(level)}")


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    """Return the lower limit; the best possible estimate is 1 with the same uncertainty."""
    n = len(outcome.y)
    if obstacle := _obstacle(outcome):
        return Limit.missing(n, obstacle)
    if one_value((outcome.y - outcome.prediction) ** 2, outcome.weight):
        return Limit.missing(n, "all rows are missed by the same, which says nothing about others")
    left = _left_over(outcome)
    _, high = left.log_ends(1 - 2 * alpha)
    return Limit(1 - float(high[0]), 1 - float(left.best(alpha)[0]), n, LOG_SCALE)


def _obstacle(outcome: Outcome) -> str:
    obstacle = unusable(outcome.prediction - outcome.y)
    counted = outcome.y if outcome.weight is None else outcome.y[outcome.weight > 0]
    return obstacle or ("all rows have the same label" if np.ptp(counted) == 0 else "")


def _left_over(outcome: Outcome) -> Means:
    """Return the share of the variance of labels that is left, A / B, with the standard error of that ratio.

    Math: A is the mean squared error, B the variance; a row's influence is (r^2 - A) / B - A ((y - mean)^2 - B) / B^2.
    """
    y, n = np.asarray(outcome.y, dtype=np.float64), len(outcome.y)
    w = np.ones(n) if outcome.weight is None else np.asarray(outcome.weight, dtype=np.float64)
    w = w / w.sum()
    missed, spread = (y - outcome.prediction) ** 2, (y - w @ y) ** 2
    a, b = w @ missed, w @ spread
    influence = w * ((missed - a) / b - a * (spread - b) / b**2)
    error = np.sqrt(influence @ influence * n / max(n - 1, 1))
    return Means(np.array([a / b]), np.array([error]), np.array([n]))


metrics.register("r2")(
    Metric(
        name="r2",
        definition="Share of the variance of the label that the prediction explains (R squared); "
        "below 0 where the mean does better.",
        better="higher",
        low=float("-inf"),
        high=1.0,
        parameters={},
        compute=_compute,
        limit=_limit,
        tasks=frozenset({"regression"}),
    )
)
