"""Areas under the ROC curve, of all rows and by group, from score histograms."""

from __future__ import annotations

import numpy as np

from efficienttrust.metrics.arguments import Arguments
from efficienttrust.metrics.ranking import HOW, OBSTACLE, Area, area_estimate
from efficienttrust.metrics.spreads import Spread, spread_gap, spread_worst
from efficienttrust.metrics.streaming._histograms import Histogram, binning, roc_area, widened
from efficienttrust.metrics.streaming._streamed import Streamed, of_worst_class, streamed_metrics
from efficienttrust.metrics.streaming._tally import Tally
from efficienttrust.metrics.streaming.catalogue._rates import FALSE_POSITIVE, TRUE_POSITIVE
from efficienttrust.metrics.values import Estimate, Floats


def _auc(tally: Tally, arguments: Arguments, level: float) -> Estimate:
    """Return the area, for many classes the mean over classes; its errors are added as if they were one error.

    The errors of the areas of classes are correlated in a way that only rows show; added up, they are never too small.
    """
    names = tally.schema.classes or ("",)
    found = {}
    for output, name in enumerate(names):
        area = None if tally.unscored else roc_area(Histogram.of(tally, tally.everyone, output)[0])
        if area is None:
            return Estimate.missing(tally.n, f"class {name!r} {OBSTACLE}" if name else OBSTACLE)
        found[name] = area
    areas, bounds = zip(*found.values(), strict=True)
    error = np.array([np.mean([area.error for area in areas])])
    mean = Area(float(np.mean([area.value for area in areas])), error, min(area.rarer for area in areas))
    bound = float(np.mean(bounds))
    how = HOW if len(areas) == 1 else f"{HOW}, errors of classes added up"
    estimate = area_estimate(mean, tally.n, OBSTACLE, level, how)
    return widened(estimate, bound, tally.schema.bins)


def _by_group(tally: Tally, by: str | None, least: int) -> Spread:
    """Return the areas of the groups of a tally of two classes; the ends of each are as much wider as it may be off."""
    rates = [rate.of(tally, by) for rate in (TRUE_POSITIVE, FALSE_POSITIVE)]
    n, note = sum(each.total for each in rates), "; ".join(filter(None, (each.small() for each in rates)))
    obstacle = "; ".join(filter(None, (each.obstacle(least) for each in rates))) or tally.unscored
    found = [] if obstacle else [roc_area(histogram) for histogram in Histogram.of(tally, tally.groups(by)[1], 0)]
    known = [each for each in found if each is not None]
    if not known or len(known) < len(found):
        return Spread.missing(n, obstacle or OBSTACLE)
    areas, bounds = [area for area, _ in known], np.array([bound for _, bound in known])
    rarer = np.array([area.rarer for area in areas])

    def ends(level: float) -> tuple[Floats, Floats]:
        low, high = np.array([area.ends(level) for area in areas]).T
        return np.maximum(low - bounds, 0), np.minimum(high + bounds, 1)

    how = f"{HOW}, {binning(float(bounds.max()), tally.schema.bins, 'each ')}"
    value = np.array([area.value for area in areas])
    return Spread(value, ends, lambda alpha: alpha ** (1 / rarer), n, how, note)


def _gap(tally: Tally, arguments: Arguments, level: float) -> Estimate:
    return spread_gap(_by_group(tally, arguments["by"], 2), level)


def _worst(tally: Tally, arguments: Arguments, level: float) -> Estimate:
    return spread_worst(_by_group(tally, arguments["by"], 1), level, "higher")


streamed_metrics.register("auc")(Streamed(_auc, scores=True))
streamed_metrics.register("group_auc_gap")(Streamed(of_worst_class(_gap, "lower"), scores=True))
streamed_metrics.register("worst_group_auc")(Streamed(of_worst_class(_worst, "higher"), scores=True))
