"""Expected calibration error."""

from __future__ import annotations

import numpy as np

from efficienttrust.metrics.bootstrap import ROW_REPEATS, repeats_for
from efficienttrust.metrics.calibration import calibration_error, calibration_resamples, recentred
from efficienttrust.metrics.intervals import percent
from efficienttrust.metrics.metric import Arguments, Metric, metrics
from efficienttrust.metrics.values import Estimate, Limit, Outcome


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    n, data = len(outcome.y), (outcome.y, outcome.score, outcome.weight)
    if obstacle := _obstacle(outcome):
        return Estimate.missing(n, obstacle)
    value, draws = calibration_error(*data), calibration_resamples(*data, ROW_REPEATS)
    low, high = recentred(value, draws, (1 - level) / 2, (1 - level) / 2)
    return Estimate(value, low, high, n, f"bootstrap {percent(level)}, recentred, {len(draws)} resamples")


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    """Return the upper bootstrap limit; the best possible estimate is no error with the same uncertainty."""
    n, data = len(outcome.y), (outcome.y, outcome.score, outcome.weight)
    if obstacle := _obstacle(outcome):
        return Limit.missing(n, obstacle)
    value, draws = calibration_error(*data), calibration_resamples(*data, repeats_for(alpha))
    _, high = recentred(value, draws, alpha, alpha)
    return Limit(high, high - value, n, f"bootstrap, recentred, {len(draws)} resamples")


def _obstacle(outcome: Outcome) -> str:
    if len(outcome.y) == 0:
        return "no rows here"
    return "" if np.isfinite(outcome.score).all() else "some scores are not numbers"


metrics.register("calibration_error", "ece")(
    Metric(
        name="calibration_error",
        definition="Mean distance of mean score and share of positives over 15 bins of equal mass (ECE).",
        better="lower",
        low=0.0,
        high=1.0,
        parameters={},
        compute=_compute,
        limit=_limit,
    )
)
