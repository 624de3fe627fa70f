"""Root mean squared error."""

from __future__ import annotations

import dataclasses
import math

from efficienttrust.metrics.means import loss_estimate, loss_limit
from efficienttrust.metrics.metric import Arguments, Metric, metrics
from efficienttrust.metrics.row_losses import squared_errors
from efficienttrust.metrics.values import Estimate, Limit, Outcome


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    squares = loss_estimate(squared_errors(outcome), outcome.weight, level)
    value, low, high = (math.sqrt(each) for each in (squares.value, squares.low, squares.high))
    return dataclasses.replace(squares, value=value, low=low, high=high)


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    squares = loss_limit(squared_errors(outcome), outcome.weight, alpha)
    return dataclasses.replace(squares, value=math.sqrt(squares.value), best=math.sqrt(squares.best))


metrics.register("root_mean_squared_error", "rmse")(
    Metric(
        name="root_mean_squared_error",
        definition="Root of the mean squared distance of prediction and label, in units of the label.",
        better="lower",
        low=0.0,
        high=float("inf"),
        parameters={},
        compute=_compute,
        limit=_limit,
        tasks=frozenset({"regression"}),
    )
)
