"""Relative mean corruption error."""

from __future__ import annotations

from efficienttrust.metrics.corruptions import mean_errors, missing_severities
from efficienttrust.metrics.intervals import percent
from efficienttrust.metrics.means import mean_of, one_value, share_of_others
from efficienttrust.metrics.metric import Arguments, Metric, metrics
from efficienttrust.metrics.values import Estimate, Limit, Outcome


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    n = len(outcome.y)
    if n == 0:
        return Estimate.missing(n, "no rows here")
    mean = mean_of(mean_errors(outcome) - ~outcome.right, outcome.weight)
    low, high = mean.ends(level)
    how = f"Student {percent(level)}, paired by row"
    return Estimate(float(mean.value[0]), float(low[0]), float(high[0]), n, how, missing_severities(outcome))


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    """Return the upper limit; the best possible estimate is no error on corrupted rows with the same uncertainty.

    Where all rows change by the same, others may change by up to 1; how many is Clopper and Pearson's limit.
    """
    n = len(outcome.y)
    if n == 0:
        return Limit.missing(n, "no rows here")
    added = mean_errors(outcome) - ~outcome.right
    mean = mean_of(added, outcome.weight)
    clean = float(mean_of(~outcome.right, outcome.weight).value[0])
    if one_value(added, outcome.weight):
        others, value = share_of_others(n, outcome.weight, alpha), float(mean.value[0])
        bound = value + others * (1 - value)
        return Limit(bound, others * (1 + clean) - clean, n, "Clopper-Pearson, all rows change by the same")
    _, high = mean.ends(1 - 2 * alpha)
    return Limit(float(high[0]), float((high - mean.value)[0] - clean), n, "Student, paired by row")


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
