"""Worst-group area under the ROC curve."""

from __future__ import annotations

from efficienttrust.metrics.by_group import auc_by_group
from efficienttrust.metrics.classes import ONE_VS_REST, worst_class, worst_class_limit
from efficienttrust.metrics.metric import BY, Arguments, Metric, metrics
from efficienttrust.metrics.spreads import spread_worst, spread_worst_limit
from efficienttrust.metrics.values import Estimate, Limit, Outcome


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return spread_worst(auc_by_group(outcome, arguments["by"]), level, "higher")


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return spread_worst_limit(auc_by_group(outcome, arguments["by"]), alpha, "higher")


metrics.register("worst_group_auc")(
    Metric(
        name="worst_group_auc",
        definition="Smallest area under the ROC curve among the groups, each group ranked by itself.",
        better="higher",
        low=0.0,
        high=1.0,
        parameters=BY,
        compute=worst_class(_compute, "higher"),
        limit=worst_class_limit(_limit, "higher"),
        tasks=ONE_VS_REST,
        needs=frozenset({"score"}),
    )
)
