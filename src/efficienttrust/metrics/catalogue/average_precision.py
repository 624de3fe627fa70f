"""Average precision."""

from __future__ import annotations

from efficienttrust.metrics.classes import ONE_VS_REST
from efficienttrust.metrics.metric import Arguments, Metric, metrics
from efficienttrust.metrics.ranking import area_estimate, area_limit, outcome_area, precision_area
from efficienttrust.metrics.values import Estimate, Limit, Outcome


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return area_estimate(*outcome_area(precision_area, outcome), level)


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return area_limit(*outcome_area(precision_area, outcome), alpha)


metrics.register("average_precision")(
    Metric(
        name="average_precision",
        definition="Mean over positive rows of the precision among rows that score at least as high; "
        "for many classes the mean, each against the rest.",
        better="higher",
        low=0.0,
        high=1.0,
        parameters={},
        compute=_compute,
        limit=_limit,
        tasks=ONE_VS_REST,
        needs=frozenset({"score"}),
    )
)
