"""Robust accuracy under a named attack."""

from __future__ import annotations

from efficienttrust.metrics.arguments import ATTACK
from efficienttrust.metrics.metric import Arguments, Metric, metric_key, metrics
from efficienttrust.metrics.rates import Rates, lowest_rate, lowest_rate_limit, overall_rate
from efficienttrust.metrics.values import Estimate, Limit, Outcome


def _rate(outcome: Outcome, arguments: Arguments) -> Rates:
    right, rows = outcome.attacked(metric_key(METRIC, arguments))
    return overall_rate(right, None if outcome.weight is None else outcome.weight[rows])


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return lowest_rate(_rate(outcome, arguments), level)


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return lowest_rate_limit(_rate(outcome, arguments), alpha)


METRIC = metrics.register("robust_accuracy")(
    Metric(
        name="robust_accuracy",
        definition="Share of rows that are right and stay right under the attack, all restarts, within eps.",
        better="higher",
        low=0.0,
        high=1.0,
        parameters=ATTACK,
        compute=_compute,
        limit=_limit,
        tasks=frozenset({"binary", "multiclass"}),
        needs=frozenset({"robust"}),
    )
)
