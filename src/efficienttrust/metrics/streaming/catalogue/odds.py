"""Equalized odds: the mean and the larger of two gaps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from efficienttrust.metrics.arguments import Arguments
from efficienttrust.metrics.odds import larger_gap_estimate, mean_gap_estimate
from efficienttrust.metrics.rates import Rates
from efficienttrust.metrics.streaming._streamed import Streamed, of_worst_class, of_worst_class_value, streamed_metrics
from efficienttrust.metrics.streaming._tally import Tally
from efficienttrust.metrics.streaming.catalogue._rates import FALSE_POSITIVE, TRUE_POSITIVE
from efficienttrust.metrics.values import Estimate, Floats

Both = Callable[[Rates, Rates, float, bool | None], Estimate]


def _odds(estimate: Both, together: Callable[[Floats, Floats], Floats]) -> Streamed:
    def compute(tally: Tally, arguments: Arguments, level: float) -> Estimate:
        by = arguments["by"]
        return estimate(TRUE_POSITIVE.of(tally, by), FALSE_POSITIVE.of(tally, by), level, arguments["corrected"])

    def value(groups: Floats) -> Floats:
        return together(TRUE_POSITIVE.gaps(groups), FALSE_POSITIVE.gaps(groups))

    return Streamed(of_worst_class(compute, "lower"), of_worst_class_value(value, "lower"))


streamed_metrics.register("equalized_odds_difference")(_odds(mean_gap_estimate, lambda a, b: (a + b) / 2))
streamed_metrics.register("equalized_odds_difference_max")(_odds(larger_gap_estimate, np.maximum))
