"""Equal opportunity difference."""

from __future__ import annotations

from efficienttrust.metrics.arguments import GAP
from efficienttrust.metrics.classes import ONE_VS_REST, worst_class, worst_class_limit
from efficienttrust.metrics.gaps import gap_estimate, gap_limit
from efficienttrust.metrics.metric import Arguments, Metric, metrics
from efficienttrust.metrics.rates import Rates, group_rates
from efficienttrust.metrics.values import Estimate, Limit, Outcome


def _rates(outcome: Outcome, arguments: Arguments) -> Rates:
    codes, names = outcome.partition(arguments["by"])
    return group_rates(codes, names, outcome.prediction, outcome.y == 1, "positives", outcome.weight)


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return gap_estimate(_rates(outcome, arguments), level, arguments["corrected"])


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return gap_limit(_rates(outcome, arguments), alpha)


metrics.register("equal_opportunity_difference", "eopp")(
    Metric(
        name="equal_opportunity_difference",
        definition="Largest minus smallest true positive rate among the groups.",
        better="lower",
        low=0.0,
        high=1.0,
        parameters=GAP,
        compute=worst_class(_compute, "lower"),
        limit=worst_class_limit(_limit, "lower"),
        tasks=ONE_VS_REST,
    )
)
