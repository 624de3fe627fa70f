"""Demographic parity ratio."""

from __future__ import annotations

import numpy as np

from efficienttrust.metrics.arguments import Arguments
from efficienttrust.metrics.confusion import divide
from efficienttrust.metrics.intervals import percent
from efficienttrust.metrics.ranges import range_estimate, rate_resamples
from efficienttrust.metrics.streaming._streamed import Streamed, of_worst_class, of_worst_class_value, streamed_metrics
from efficienttrust.metrics.streaming._tally import Tally
from efficienttrust.metrics.streaming.catalogue._rates import SELECTION
from efficienttrust.metrics.values import Estimate, Floats


def _compute(tally: Tally, arguments: Arguments, level: float) -> Estimate:
    """Return the ratio with the interval of the range of log rates, half a hit added to every group, as on rows."""
    rates = SELECTION.of(tally, arguments["by"])
    if obstacle := rates.obstacle() or ("no group has a positive decision" if rates.rate.max() == 0 else ""):
        return Estimate.missing(rates.total, obstacle)
    smoothed, errors, draws = rate_resamples(rates)
    half = 0.5 / (rates.size + 1)
    drawn = np.log(draws * (1 - 2 * half) + half)
    _, low, high = range_estimate(np.log(smoothed), errors / smoothed, drawn - drawn.mean(axis=0), level)
    how = f"log ratio {percent(level)}, {len(rates.names)} groups, {len(draws)} resamples"
    value = float(rates.rate.min() / rates.rate.max())
    return Estimate(value, float(np.exp(-high)), float(np.exp(-low)), rates.total, how, rates.small())


def _value(groups: Floats) -> Floats:
    rates = SELECTION.values(groups)
    return divide(rates.min(axis=1), rates.max(axis=1))


streamed_metrics.register("demographic_parity_ratio")(
    Streamed(of_worst_class(_compute, "higher"), of_worst_class_value(_value, "higher"))
)
