"""Gap of the calibration error between groups."""

from __future__ import annotations

from efficienttrust.metrics.by_group import calibration_by_group
from efficienttrust.metrics.metric import BY, Arguments, Metric, metrics
from efficienttrust.metrics.spreads import spread_gap, spread_gap_limit
from efficienttrust.metrics.values import Estimate, Limit, Outcome


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return spread_gap(calibration_by_group(outcome, arguments["by"], least=2, corrected=True), level)


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return spread_gap_limit(calibration_by_group(outcome, arguments["by"], least=2, corrected=True), alpha)


metrics.register("calibration_gap")(
    Metric(
        name="calibration_gap",
        definition="Largest minus smallest calibration error (ECE) among the groups, "
        "each without the upward bias of its size.",
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
