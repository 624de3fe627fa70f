"""Gap of accuracy between groups, under a named corruption."""

from __future__ import annotations

import numpy as np

from efficienttrust.metrics.arguments import CORRUPTION, GAP
from efficienttrust.metrics.gaps import gap_estimate, gap_limit
from efficienttrust.metrics.metric import Arguments, Metric, corruption_key, metrics
from efficienttrust.metrics.rates import Rates, group_rates
from efficienttrust.metrics.values import Estimate, Limit, Outcome


def _rates(outcome: Outcome, arguments: Arguments) -> Rates:
    codes, names = outcome.partition(arguments["by"])
    right = outcome.right_under(corruption_key(arguments["name"], arguments["severity"]))
    return group_rates(codes, names, right, np.ones(len(right), dtype=bool), "rows", outcome.weight)


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return gap_estimate(_rates(outcome, arguments), level, arguments["corrected"])


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return gap_limit(_rates(outcome, arguments), alpha)


metrics.register("corruption_accuracy_gap")(
    Metric(
        name="corruption_accuracy_gap",
        definition="Largest minus smallest accuracy among the groups on corrupted features.",
        better="lower",
        low=0.0,
        high=1.0,
        parameters={**CORRUPTION, **GAP},
        compute=_compute,
        limit=_limit,
        tasks=frozenset({"binary", "multiclass"}),
        needs=frozenset({"corrupted"}),
    )
)
