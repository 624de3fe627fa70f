"""Worst-group robust accuracy under a named attack."""

from __future__ import annotations

import numpy as np

from efficienttrust.metrics.arguments import ATTACK
from efficienttrust.metrics.metric import BY, Arguments, Metric, metrics, robust_key
from efficienttrust.metrics.rates import Rates, group_rates, lowest_rate, lowest_rate_limit
from efficienttrust.metrics.values import Estimate, Limit, Outcome


def _rates(outcome: Outcome, arguments: Arguments) -> Rates:
    codes, names = outcome.partition(arguments["by"])
    right, rows = outcome.attacked(robust_key(arguments["attack"], arguments["eps"], arguments["norm"]))
    weight = None if outcome.weight is None else outcome.weight[rows]
    return group_rates(codes[rows], names, right, np.ones(len(right), dtype=bool), "attacked rows", weight)


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return lowest_rate(_rates(outcome, arguments), level)


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return lowest_rate_limit(_rates(outcome, arguments), alpha)


metrics.register("worst_group_robust_accuracy")(
    Metric(
        name="worst_group_robust_accuracy",
        definition="Lowest robust accuracy among the groups: right, and still right under the attack within eps.",
        better="higher",
        low=0.0,
        high=1.0,
        parameters={**ATTACK, **BY},
        compute=_compute,
        limit=_limit,
        tasks=frozenset({"binary", "multiclass"}),
        needs=frozenset({"robust"}),
    )
)
