"""Worst-group accuracy under a named corruption."""

from __future__ import annotations

import numpy as np

from efficienttrust.metrics.arguments import BY, CORRUPTION
from efficienttrust.metrics.metric import Arguments, Metric, corruption_key, metrics
from efficienttrust.metrics.rates import Rates, group_rates, lowest_rate, lowest_rate_limit
from efficienttrust.metrics.values import Estimate, Limit, Outcome


def _rates(outcome: Outcome, arguments: Arguments) -> Rates:
    codes, names = outcome.partition(arguments["by"])
    right = outcome.right_under(corruption_key(arguments["name"], arguments["severity"]))
    return group_rates(codes, names, right, np.ones(len(right), dtype=bool), "rows", outcome.weight)


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return lowest_rate(_rates(outcome, arguments), level)


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return lowest_rate_limit(_rates(outcome, arguments), alpha)


metrics.register("worst_group_corruption_accuracy")(
    Metric(
        name="worst_group_corruption_accuracy",
        definition="Lowest accuracy among the groups on corrupted features.",
        better="higher",
        low=0.0,
        high=1.0,
        parameters={**CORRUPTION, **BY},
        compute=_compute,
        limit=_limit,
        tasks=frozenset({"binary", "multiclass"}),
        needs=frozenset({"corrupted"}),
    )
)
