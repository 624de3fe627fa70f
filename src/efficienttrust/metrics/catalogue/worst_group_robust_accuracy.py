"""Worst-group robust accuracy under a named attack."""

from __future__ import annotations

from efficienttrust.metrics.arguments import ATTACK
from efficienttrust.metrics.attacked_rows import attacked_rates
from efficienttrust.metrics.metric import BY, Arguments, Metric, metrics
from efficienttrust.metrics.rates import lowest_rate, lowest_rate_limit
from efficienttrust.metrics.values import Estimate, Limit, Outcome


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return lowest_rate(attacked_rates(outcome, arguments), level)


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return lowest_rate_limit(attacked_rates(outcome, arguments), alpha)


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
