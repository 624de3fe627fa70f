"""Gap of robust accuracy between groups, under a named attack."""

from __future__ import annotations

from efficienttrust.metrics.arguments import ATTACK, GAP
from efficienttrust.metrics.attacked_rows import attacked_rates
from efficienttrust.metrics.gaps import gap_estimate, gap_limit
from efficienttrust.metrics.metric import Arguments, Metric, metrics
from efficienttrust.metrics.values import Estimate, Limit, Outcome


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return gap_estimate(attacked_rates(outcome, arguments), level, arguments["corrected"])


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return gap_limit(attacked_rates(outcome, arguments), alpha)


metrics.register("robust_accuracy_gap")(
    Metric(
        name="robust_accuracy_gap",
        definition="Largest minus smallest robust accuracy among the groups.",
        better="lower",
        low=0.0,
        high=1.0,
        parameters={**ATTACK, **GAP},
        compute=_compute,
        limit=_limit,
        tasks=frozenset({"binary", "multiclass"}),
        needs=frozenset({"robust"}),
    )
)
