"""Mean absolute error."""

from __future__ import annotations

from efficienttrust.metrics.means import loss_estimate, loss_limit
from efficienttrust.metrics.metric import Arguments, Metric, metrics
from efficienttrust.metrics.row_losses import absolute_errors
from efficienttrust.metrics.values import Estimate, Limit, Outcome


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return loss_estimate(absolute_errors(outcome), outcome.weight, level)


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return loss_limit(absolute_errors(outcome), outcome.weight, alpha)


metrics.register("mean_absolute_error", "mae")(
    Metric(
        name="mean_absolute_error",
        definition="Mean distance of prediction and label, in units of the label.",
        better="lower",
        low=0.0,
        high=float("inf"),
        parameters={},
        compute=_compute,
        limit=_limit,
        tasks=frozenset({"regression"}),
    )
)
