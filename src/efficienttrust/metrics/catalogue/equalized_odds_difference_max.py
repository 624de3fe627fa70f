"""Equalized odds difference, the larger of both gaps (the default of fairlearn)."""

from __future__ import annotations

from efficienttrust.metrics.arguments import GAP
from efficienttrust.metrics.classes import ONE_VS_REST, worst_class, worst_class_limit
from efficienttrust.metrics.metric import Arguments, Metric, metrics
from efficienttrust.metrics.odds import larger_gap_estimate, larger_gap_limit
from efficienttrust.metrics.rates import odds_rates
from efficienttrust.metrics.values import Estimate, Limit, Outcome


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return larger_gap_estimate(*odds_rates(outcome, arguments["by"]), level, arguments["corrected"])


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return larger_gap_limit(*odds_rates(outcome, arguments["by"]), alpha)


metrics.register("equalized_odds_difference_max", "eod_max")(
    Metric(
        name="equalized_odds_difference_max",
        definition="Larger of the gaps (largest minus smallest among the groups) of true and of false positive rates.",
        better="lower",
        low=0.0,
        high=1.0,
        parameters=GAP,
        compute=worst_class(_compute, "lower"),
        limit=worst_class_limit(_limit, "lower"),
        tasks=ONE_VS_REST,
    )
)
