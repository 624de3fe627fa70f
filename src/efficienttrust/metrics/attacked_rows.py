"""Rates by group among the rows that an attack was run on."""

from __future__ import annotations

import numpy as np

from efficienttrust.metrics.metric import Arguments, robust_key
from efficienttrust.metrics.rates import Rates, group_rates
from efficienttrust.metrics.values import Outcome


def attacked_rates(outcome: Outcome, arguments: Arguments) -> Rates:
    """Return the share of attacked rows that are still right, per group, for the arguments of a robustness metric."""
    codes, names = outcome.partition(arguments["by"])
    right, rows = outcome.attacked(robust_key(arguments["attack"], arguments["eps"], arguments["norm"]))
    weight = None if outcome.weight is None else outcome.weight[rows]
    return group_rates(codes[rows], names, right, np.ones(len(right), dtype=bool), "attacked rows", weight)
