"""Equalized odds difference, the mean of both gaps."""

from __future__ import annotations

from efficienttrust.metrics.metric import BY, Arguments, Metric, metrics
from efficienttrust.metrics.odds import mean_gap_estimate, mean_gap_limit
from efficienttrust.metrics.rates import odds_rates
from efficienttrust.metrics.values import Estimate, Limit, Outcome


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return mean_gap_estimate(*odds_rates(outcome, arguments["by"]), level)


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return mean_gap_limit(*odds_rates(outcome, arguments["by"]), alpha)


metrics.register("equalized_odds_difference", "eod")(
    Metric(
        name="equalized_odds_difference",
        definition="Mean of the gaps (largest minus smallest among the groups) of true and of false positive rates.",
        better="lower",
        low=0.0,
        high=1.0,
        parameters=BY,
        compute=_compute,
        limit=_limit,
    )
)
