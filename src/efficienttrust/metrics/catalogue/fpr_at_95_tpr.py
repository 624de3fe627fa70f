"""False positive rate of an out-of-distribution detector at 95 % true positive rate."""

from __future__ import annotations

from dataclasses import replace

from efficienttrust.metrics.arguments import REQUIRED
from efficienttrust.metrics.metric import Arguments, Metric, metrics
from efficienttrust.metrics.ood._false_positives import fpr_at_95_tpr, fpr_at_95_tpr_limit
from efficienttrust.metrics.ood._scores import scores_of, weight_note
from efficienttrust.metrics.values import TASKS, Estimate, Limit, Outcome


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    estimate = fpr_at_95_tpr(*scores_of(outcome, METRIC.name, arguments["detector"]), level)
    return replace(estimate, note=estimate.note or weight_note(outcome))


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return fpr_at_95_tpr_limit(*scores_of(outcome, METRIC.name, arguments["detector"]), alpha)


METRIC = metrics.register("fpr_at_95_tpr")(
    Metric(
        name="fpr_at_95_tpr",
        definition="Share of out-of-distribution rows that pass the threshold which 95 % of in-distribution rows pass.",
        better="lower",
        low=0.0,
        high=1.0,
        parameters={"detector": REQUIRED},
        compute=_compute,
        limit=_limit,
        tasks=frozenset(TASKS),
        needs=frozenset({"ood"}),
    )
)
