"""Gaps of one rate: demographic parity, equal opportunity, predictive parity."""

from __future__ import annotations

from efficienttrust.metrics.arguments import Arguments
from efficienttrust.metrics.gaps import gap_estimate
from efficienttrust.metrics.streaming._streamed import Streamed, of_worst_class, of_worst_class_value, streamed_metrics
from efficienttrust.metrics.streaming._tally import Tally
from efficienttrust.metrics.streaming.catalogue._rates import PRECISION, SELECTION, TRUE_POSITIVE, Rate
from efficienttrust.metrics.values import Estimate


def _gap_of(rate: Rate) -> Streamed:
    def compute(tally: Tally, arguments: Arguments, level: float) -> Estimate:
        return gap_estimate(rate.of(tally, arguments["by"]), level, arguments["corrected"])

    return Streamed(of_worst_class(compute, "lower"), of_worst_class_value(rate.gaps, "lower"))


streamed_metrics.register("demographic_parity_difference")(_gap_of(SELECTION))
streamed_metrics.register("equal_opportunity_difference")(_gap_of(TRUE_POSITIVE))
streamed_metrics.register("predictive_parity_difference")(_gap_of(PRECISION))
