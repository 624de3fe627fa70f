"""Worst-group log loss."""

from __future__ import annotations

from efficienttrust.metrics.by_group import losses_by_group
from efficienttrust.metrics.metric import BY, Arguments, Metric, metrics
from efficienttrust.metrics.row_losses import log_losses
from efficienttrust.metrics.spreads import spread_worst, spread_worst_limit
from efficienttrust.metrics.values import Estimate, Limit, Outcome


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return spread_worst(losses_by_group(log_losses(outcome), outcome, arguments["by"]), level, "lower")


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return spread_worst_limit(losses_by_group(log_losses(outcome), outcome, arguments["by"]), alpha, "lower")


metrics.register("worst_group_log_loss")(
    Metric(
        name="worst_group_log_loss",
        definition="Largest log loss among the groups, in nats.",
        better="lower",
        low=0.0,
        high=float("inf"),
        parameters=BY,
        compute=_compute,
        limit=_limit,
        tasks=frozenset({"binary", "multiclass"}),
        needs=frozenset({"probability"}),
    )
)
