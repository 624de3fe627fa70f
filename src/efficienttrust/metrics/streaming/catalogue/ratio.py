"""Demographic parity ratio."""

from __future__ import annotations

from efficienttrust.metrics.arguments import Arguments
from efficienttrust.metrics.catalogue.demographic_parity_ratio import ratio_estimate
from efficienttrust.metrics.confusion import divide
from efficienttrust.metrics.streaming._streamed import Streamed, of_worst_class, of_worst_class_value, streamed_metrics
from efficienttrust.metrics.streaming._tally import Tally
from efficienttrust.metrics.streaming.catalogue._rates import SELECTION
from efficienttrust.metrics.values import Estimate, Floats


def _compute(tally: Tally, arguments: Arguments, level: float) -> Estimate:
    return ratio_estimate(SELECTION.of(tally, arguments["by"]), level)


def _value(groups: Floats) -> Floats:
    rates = SELECTION.values(groups)
    return divide(rates.min(axis=1), rates.max(axis=1))


streamed_metrics.register("demographic_parity_ratio")(
    Streamed(of_worst_class(_compute, "higher"), of_worst_class_value(_value, "higher"))
)
