"""Gap of robust accuracy between groups, under a named attack."""

from __future__ import annotations

import numpy as np

from efficienttrust.metrics.arguments import ATTACK, GAP
from efficienttrust.metrics.gaps import gap_estimate, gap_limit
from efficienttrust.metrics.metric import Arguments, Metric, metrics, robust_key
from efficienttrust.metrics.rates import Rates, group_rates
from efficienttrust.metrics.values import Estimate, Limit, Outcome


def _rates(outcome: Outcome, arguments: Arguments) -> Rates:
    codes, names = outcome.partition(arguments["by"])
    right, rows = outcome.attacked(robust_key(arguments["attack"], arguments["eps"], arguments["norm"]))
    weight = None if outcome.weight is None else outcome.weight[rows]
    return group_rates(codes[rows], names, right, np.ones(len(right), dtype=bool), "attacked rows", weight)


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return gap_estimate(_rates(outcome, arguments), level, arguments["corrected"])


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return gap_limit(_rates(outcome, arguments), alpha)


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
