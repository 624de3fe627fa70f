"""Relative mean corruption error."""

from __future__ import annotations

from efficienttrust.metrics.corruptions import mean_errors, missing_severities
from efficienttrust.metrics.intervals import percent
from efficienttrust.metrics.means import Means, mean_of
from efficienttrust.metrics.metric import Arguments, Metric, metrics
from efficienttrust.metrics.values import Estimate, Limit, Outcome


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    n = len(outcome.y)
    if n == 0:
        return Estimate.missing(n, "no rows here")
    mean = _mean(outcome)
    low, high = mean.ends(level)
    how = f"Student {percent(level)}, paired by row"
    return Estimate(float(mean.value[0]), float(low[0]), float(high[0]), n, how, missing_severities(outcome))


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    """Return the upper limit; the best possible estimate is no error on corrupted rows with the same uncertainty."""
    n = len(outcome.y)
    if n == 0:
        return Limit.missing(n, "no rows here")
    mean = _mean(outcome)
    _, high = mean.ends(1 - 2 * alpha)
    clean = mean_of(~outcome.right, outcome.weight).value[0]
    return Limit(float(high[0]), float((high - mean.value)[0] - clean), n, "Student, paired by row")


def _mean(outcome: Outcome) -> Means:
    return mean_of(mean_errors(outcome) - ~outcome.right, outcome.weight)


metrics.register("relative_mce")(
    Metric(
        name="relative_mce",
        definition="Mean over corruptions of the error that they add to that on clean rows; "
        "not divided by that of AlexNet.",
        better="lower",
        low=-1.0,
        high=1.0,
        parameters={},
        compute=_compute,
        limit=_limit,
        tasks=frozenset({"binary", "multiclass"}),
        needs=frozenset({"corrupted"}),
    )
)
