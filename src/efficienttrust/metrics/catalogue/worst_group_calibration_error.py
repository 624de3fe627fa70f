"""Worst-group expected calibration error."""

from __future__ import annotations

from efficienttrust.metrics.by_group import calibration_by_group
from efficienttrust.metrics.metric import BY, Arguments, Metric, metrics
from efficienttrust.metrics.spreads import spread_worst, spread_worst_limit
from efficienttrust.metrics.values import Estimate, Limit, Outcome


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return spread_worst(calibration_by_group(outcome, arguments["by"]), level, "lower")


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return spread_worst_limit(calibration_by_group(outcome, arguments["by"]), alpha, "lower")


metrics.register("worst_group_calibration_error")(
    Metric(
        name="worst_group_calibration_error",
        definition="Largest calibration error (ECE, 15 bins of equal mass, fewer in small groups) among the groups.",
        better="lower",
        low=0.0,
        high=1.0,
        parameters=BY,
        compute=_compute,
        limit=_limit,
        tasks=frozenset({"binary", "multiclass"}),
        needs=frozenset({"probability"}),
    )
)
