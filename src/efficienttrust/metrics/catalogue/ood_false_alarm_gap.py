"""Gap between groups in how often a detector calls their in-distribution rows out-of-distribution."""

from __future__ import annotations

from efficienttrust.metrics.arguments import BY, REQUIRED
from efficienttrust.metrics.gaps import gap_estimate, gap_limit
from efficienttrust.metrics.metric import Arguments, Metric, metrics
from efficienttrust.metrics.ood._false_alarms import false_alarm_rates
from efficienttrust.metrics.ood._scores import inside_scores
from efficienttrust.metrics.rates import Rates
from efficienttrust.metrics.values import TASKS, Estimate, Limit, Outcome


def _rates(outcome: Outcome, arguments: Arguments) -> Rates:
    inside, scored = inside_scores(outcome, "ood_false_alarm_gap", arguments["detector"])
    codes, names = outcome.partition(arguments["by"])
    return false_alarm_rates(inside[scored], codes[scored], names)


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return gap_estimate(_rates(outcome, arguments), level)


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return gap_limit(_rates(outcome, arguments), alpha)


metrics.register("ood_false_alarm_gap")(
    Metric(
        name="ood_false_alarm_gap",
        definition="Largest minus smallest share, among the groups, of in-distribution rows below the threshold that "
        "95 % of all in-distribution rows pass.",
        better="lower",
        low=0.0,
        high=1.0,
        parameters={"detector": REQUIRED, **BY},
        compute=_compute,
        limit=_limit,
        tasks=frozenset(TASKS),
        needs=frozenset({"ood"}),
    )
)
