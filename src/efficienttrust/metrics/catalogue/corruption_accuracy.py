"""Accuracy under a named corruption of the features."""

from __future__ import annotations

from efficienttrust.metrics.arguments import CORRUPTION
from efficienttrust.metrics.metric import Arguments, Metric, metric_key, metrics
from efficienttrust.metrics.rates import Rates, lowest_rate, lowest_rate_limit, overall_rate
from efficienttrust.metrics.values import Estimate, Limit, Outcome


def _rate(outcome: Outcome, arguments: Arguments) -> Rates:
    return overall_rate(outcome.right_under(metric_key(METRIC, arguments)), outcome.weight)


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return lowest_rate(_rate(outcome, arguments), level)


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return lowest_rate_limit(_rate(outcome, arguments), alpha)


METRIC = metrics.register("corruption_accuracy")(
    Metric(
        name="corruption_accuracy",
        definition="Share of rows that are right on features corrupted in the named way, severity 1 (mild) to 5.",
        better="higher",
        low=0.0,
        high=1.0,
        parameters=CORRUPTION,
        compute=_compute,
        limit=_limit,
        tasks=frozenset({"binary", "multiclass"}),
        needs=frozenset({"corrupted"}),
    )
)
