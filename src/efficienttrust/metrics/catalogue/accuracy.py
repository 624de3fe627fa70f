"""Accuracy."""

from __future__ import annotations

from efficienttrust.metrics.metric import Arguments, Metric, metrics
from efficienttrust.metrics.rates import Rates, lowest_rate, lowest_rate_limit, overall_rate
from efficienttrust.metrics.values import Estimate, Limit, Outcome


def _rate(outcome: Outcome) -> Rates:
    return overall_rate(outcome.right, outcome.weight)


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return lowest_rate(_rate(outcome), level)


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return lowest_rate_limit(_rate(outcome), alpha)


metrics.register("accuracy")(
    Metric(
        name="accuracy",
        definition="Share of rows whose decision equals the label; of several labels, all of them.",
        better="higher",
        low=0.0,
        high=1.0,
        parameters={},
        compute=_compute,
        limit=_limit,
        tasks=frozenset({"binary", "multiclass", "multilabel"}),
    )
)
