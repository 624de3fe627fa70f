"""Gap of the area under the ROC curve between groups."""

from __future__ import annotations

from efficienttrust.metrics.by_group import auc_by_group
from efficienttrust.metrics.classes import ONE_VS_REST, worst_class, worst_class_limit
from efficienttrust.metrics.metric import BY, Arguments, Metric, metrics
from efficienttrust.metrics.spreads import spread_gap, spread_gap_limit
from efficienttrust.metrics.values import Estimate, Limit, Outcome


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return spread_gap(auc_by_group(outcome, arguments["by"], least=2), level)


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return spread_gap_limit(auc_by_group(outcome, arguments["by"], least=2), alpha)


metrics.register("group_auc_gap")(
    Metric(
        name="group_auc_gap",
        definition="Largest minus smallest area under the ROC curve among the groups, each group ranked by itself.",
        better="lower",
        low=0.0,
        high=1.0,
        parameters=BY,
        compute=worst_class(_compute, "lower"),
        limit=worst_class_limit(_limit, "lower"),
        tasks=ONE_VS_REST,
        needs=frozenset({"score"}),
    )
)
