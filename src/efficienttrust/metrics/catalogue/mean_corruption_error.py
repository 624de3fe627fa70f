"""Mean corruption error."""

from __future__ import annotations

from efficienttrust.metrics.corruptions import mean_errors, missing_severities
from efficienttrust.metrics.metric import Arguments, Metric, metrics
from efficienttrust.metrics.shares import share_estimate, share_limit
from efficienttrust.metrics.values import Estimate, Limit, Outcome


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return share_estimate(mean_errors(outcome), outcome.weight, level, missing_severities(outcome))


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return share_limit(mean_errors(outcome), outcome.weight, alpha, "lower")


metrics.register("mean_corruption_error", "mce")(
    Metric(
        name="mean_corruption_error",
        definition="Mean error (1 - accuracy) over corruptions and their severities; "
        "not divided by the errors of AlexNet.",
        better="lower",
        low=0.0,
        high=1.0,
        parameters={},
        compute=_compute,
        limit=_limit,
        tasks=frozenset({"binary", "multiclass"}),
        needs=frozenset({"corrupted"}),
    )
)
