"""False alarms by group: which group's inside rows fall below the common threshold, and the largest gap."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from efficienttrust.metrics.gaps import gap_estimate
from efficienttrust.metrics.ood._scores import as_scores
from efficienttrust.metrics.ood._threshold import threshold_at_95_tpr
from efficienttrust.metrics.rates import Rates, group_rates
from efficienttrust.metrics.values import Array, Estimate


def false_alarm_rates(inside: ArrayLike, codes: Array, names: tuple[str, ...]) -> Rates:
    """Return the share of each group's inside rows below the threshold that 95 % of all inside rows reach.

    Args:
        inside: Scores of in-distribution rows [n]; higher means more in-distribution.
        codes: Group of each row [n]; rows with -1 help to set the threshold and belong to no group.
        names: Group names, by code.
    """
    scores = as_scores(inside)
    usable = np.ones(len(scores), dtype=bool)
    if len(scores) == 0 or np.isnan(scores).any():
        return group_rates(codes, names, usable, ~usable, "rows with a score")
    return group_rates(codes, names, scores < threshold_at_95_tpr(scores), usable, "rows with a score")


def false_alarm_gap(inside: ArrayLike, codes: Array, names: tuple[str, ...], level: float = 0.95) -> Estimate:
    """Return the largest minus the smallest false alarm rate of the groups at the common threshold.

    The interval is about new rows at this threshold, which is taken as it is.
    """
    return gap_estimate(false_alarm_rates(inside, codes, names), level)
