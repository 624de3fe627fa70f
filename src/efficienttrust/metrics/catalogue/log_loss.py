"""Log loss."""

from __future__ import annotations

from efficienttrust.metrics.means import loss_estimate, loss_limit
from efficienttrust.metrics.metric import Arguments, Metric, metrics
from efficienttrust.metrics.row_losses import log_losses
from efficienttrust.metrics.values import Estimate, Limit, Outcome


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return loss_estimate(log_losses(outcome), outcome.weight, level)


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return loss_limit(log_losses(outcome), outcome.weight, alpha)


metrics.register("log_loss")(
    Metric(
        name="log_loss",
        definition="Mean negative log-likelihood of the label under the score, in nats.",
        better="lower",
        low=0.0,
        high=float("inf"),
        parameters={},
        compute=_compute,
        limit=_limit,
        tasks=frozenset({"binary", "multiclass"}),
        needs=frozenset({"probability"}),
    )
)
