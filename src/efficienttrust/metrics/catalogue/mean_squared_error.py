"""Mean squared error."""

from __future__ import annotations

from efficienttrust.metrics.means import loss_estimate, loss_limit
from efficienttrust.metrics.metric import Arguments, Metric, metrics
from efficienttrust.metrics.row_losses import squared_errors
from efficienttrust.metrics.values import Estimate, Limit, Outcome


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return loss_estimate(squared_errors(outcome), outcome.weight, level)


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return loss_limit(squared_errors(outcome), outcome.weight, alpha)


metrics.register("mean_squared_error", "mse")(
    Metric(
        name="mean_squared_error",
        definition="Mean squared distance of prediction and label, in squared units of the label.",
        better="lower",
        low=0.0,
        high=float("inf"),
        parameters={},
        compute=_compute,
        limit=_limit,
        tasks=frozenset({"regression"}),
    )
)
