"""Gap of the root mean squared error between groups."""

from __future__ import annotations

import dataclasses

import numpy as np

from efficienttrust.metrics.by_group import losses_by_group
from efficienttrust.metrics.metric import BY, Arguments, Metric, metrics
from efficienttrust.metrics.row_losses import squared_errors
from efficienttrust.metrics.spreads import Spread, spread_gap, spread_gap_limit
from efficienttrust.metrics.values import Estimate, Floats, Limit, Outcome


def _spread(outcome: Outcome, by: str | None) -> Spread:
    squares = losses_by_group(squared_errors(outcome), outcome, by, least=2)

    def ends(level: float) -> tuple[Floats, Floats]:
        low, high = squares.ends(level)
        return np.sqrt(low), np.sqrt(high)

    return dataclasses.replace(squares, value=np.sqrt(squares.value), ends=ends)


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return spread_gap(_spread(outcome, arguments["by"]), level, high=float("inf"))


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return spread_gap_limit(_spread(outcome, arguments["by"]), alpha, high=float("inf"))


metrics.register("rmse_gap")(
    Metric(
        name="rmse_gap",
        definition="Largest minus smallest root mean squared error among the groups, in units of the label.",
        better="lower",
        low=0.0,
        high=float("inf"),
        parameters=BY,
        compute=_compute,
        limit=_limit,
        tasks=frozenset({"regression"}),
    )
)
