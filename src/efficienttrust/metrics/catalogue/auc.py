"""Area under the ROC curve."""

from __future__ import annotations

from efficienttrust.metrics.classes import ONE_VS_REST
from efficienttrust.metrics.metric import Arguments, Metric, metrics
from efficienttrust.metrics.ranking import area_estimate, area_limit, outcome_area, roc_area
from efficienttrust.metrics.values import Estimate, Limit, Outcome


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return area_estimate(*outcome_area(roc_area, outcome), level)


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return area_limit(*outcome_area(roc_area, outcome), alpha)


metrics.register("auc")(
    Metric(
        name="auc",
        definition="Probability that a random positive row scores higher than a random negative one (area under ROC); "
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
