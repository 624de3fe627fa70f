"""Gap of the mean prediction between groups."""

from __future__ import annotations

from efficienttrust.metrics.by_group import means_by_group
from efficienttrust.metrics.metric import BY, Arguments, Metric, metrics
from efficienttrust.metrics.spreads import spread_gap, spread_gap_limit
from efficienttrust.metrics.values import Estimate, Limit, Outcome


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return spread_gap(means_by_group(outcome.prediction, outcome, arguments["by"]), level, high=float("inf"))


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return spread_gap_limit(means_by_group(outcome.prediction, outcome, arguments["by"]), alpha, high=float("inf"))


metrics.register("mean_outcome_gap")(
    Metric(
        name="mean_outcome_gap",
        definition="Largest minus smallest mean prediction among the groups "
        "(demographic parity of a number), in units of the label.",
        better="lower",
        low=0.0,
        high=float("inf"),
        parameters=BY,
        compute=_compute,
        limit=_limit,
        tasks=frozenset({"regression"}),
    )
)
