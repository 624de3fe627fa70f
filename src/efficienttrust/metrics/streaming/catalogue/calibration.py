"""Calibration errors, of all rows and by group, from score histograms."""

from __future__ import annotations

import numpy as np

from efficienttrust.metrics.arguments import Arguments
from efficienttrust.metrics.calibration import HOW
from efficienttrust.metrics.chance import chance_note
from efficienttrust.metrics.intervals import percent
from efficienttrust.metrics.spreads import Spread, spread_gap, spread_worst
from efficienttrust.metrics.streaming._histograms import Histogram, binning, calibration_of, widened
from efficienttrust.metrics.streaming._streamed import Streamed, streamed_metrics
from efficienttrust.metrics.streaming._tally import Tally
from efficienttrust.metrics.values import Estimate, Floats


def _error(tally: Tally, arguments: Arguments, level: float) -> Estimate:
    if obstacle := "no rows here" if tally.n == 0 else tally.unscored:
        return Estimate.missing(tally.n, obstacle)
    # the last score is that of the decided class, or the only one
    found, bound = calibration_of(Histogram.of(tally, tally.everyone, -1)[0])
    left, tail = found.corrected(), (1 - level) / 2
    value = left if arguments["corrected"] else found.error
    note = chance_note(found.error, found.error - left)
    estimate = Estimate(value, *found.ends(tail, tail), tally.n, f"{HOW} {percent(level)}", note)
    return widened(estimate, bound, tally.schema.bins, "uncorrected " if arguments["corrected"] else "")


def _by_group(tally: Tally, by: str | None, least: int, corrected: bool) -> Spread:
    names, regroup = tally.groups(by)
    sizes = tally.sizes(names, regroup)
    if obstacle := sizes.obstacle(least) or tally.unscored:
        return Spread.missing(sizes.total, obstacle)
    found = [calibration_of(histogram) for histogram in Histogram.of(tally, regroup, -1)]
    value = np.array([each.corrected() if corrected else each.error for each, _ in found])
    bounds = np.array([bound for _, bound in found])

    def ends(level: float) -> tuple[Floats, Floats]:
        low, high = np.array([each.ends((1 - level) / 2, (1 - level) / 2) for each, _ in found]).T
        return np.maximum(np.minimum(low, value) - bounds, 0), np.minimum(np.maximum(high, value) + bounds, 1)

    which = "each, uncorrected, " if corrected else "each "
    how = f"{HOW}, {binning(float(bounds.max()), tally.schema.bins, which)}"
    return Spread(value, ends, lambda alpha: ends(1 - 2 * alpha)[1] - value, sizes.total, how, sizes.small())


def _gap(tally: Tally, arguments: Arguments, level: float) -> Estimate:
    return spread_gap(_by_group(tally, arguments["by"], 2, corrected=True), level)


def _worst(tally: Tally, arguments: Arguments, level: float) -> Estimate:
    return spread_worst(_by_group(tally, arguments["by"], 1, corrected=False), level, "lower")


streamed_metrics.register("calibration_error")(Streamed(_error, scores=True))
streamed_metrics.register("calibration_gap")(Streamed(_gap, scores=True))
streamed_metrics.register("worst_group_calibration_error")(Streamed(_worst, scores=True))
