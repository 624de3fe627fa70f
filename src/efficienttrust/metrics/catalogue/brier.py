"""Brier score."""

from __future__ import annotations

from efficienttrust.metrics.means import loss_estimate, loss_limit
from efficienttrust.metrics.metric import Arguments, Metric, metrics
from efficienttrust.metrics.row_losses import brier_losses
from efficienttrust.metrics.values import Estimate, Limit, Outcome


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return loss_estimate(brier_losses(outcome), outcome.weight, level)


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return loss_limit(brier_losses(outcome), outcome.weight, alpha, most=1.0)


metrics.register("brier")(
    Metric(
        name="brier",
        definition="Mean squared distance of score and label; for many classes, half the sum over classes.",
        better="lower",
        low=0.0,
        high=1.0,
        parameters={},
        compute=_compute,
        limit=_limit,
        tasks=frozenset({"binary", "multiclass"}),
        needs=frozenset({"probability"}),
    )
)
