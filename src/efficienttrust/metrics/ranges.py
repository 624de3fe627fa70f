"""Intervals of max - min over groups that hold for all pairs of groups at once, by bootstrap."""

from __future__ import annotations

import numpy as np

from efficienttrust.metrics.bootstrap import COUNT_REPEATS, generator
from efficienttrust.metrics.intervals import two_sided_z
from efficienttrust.metrics.rates import Rates
from efficienttrust.metrics.values import Floats


def range_estimate(estimates: Floats, errors: Floats, deviations: Floats, level: float) -> tuple[float, float, float]:
    """Return max - min of any estimates by group with its interval, built as for rates but symmetric in each pair."""
    first, second = np.triu_indices(len(estimates), 1)
    gaps = np.abs(estimates[first] - estimates[second])
    scale = np.hypot(errors[first], errors[second])
    low = float(np.max(gaps - simultaneous_z(errors, deviations, level) * scale))
    return float(np.ptp(estimates)), max(0.0, low), float(np.max(gaps + two_sided_z(level) * scale))


def simultaneous_z(errors: Floats, deviations: Floats, level: float) -> float:
    """Return the z at which the intervals of all pairwise differences hold at once.

    Args:
        errors: Standard error of each group's estimate [K].
        deviations: Resampled estimates minus their centre [resamples, K].
        level: Joint level.
    """
    first, second = np.triu_indices(len(errors), 1)
    widest = np.zeros(len(deviations))
    for g, h in zip(first, second, strict=True):
        scale = max(np.hypot(errors[g], errors[h]), 1e-12)
        np.maximum(widest, np.abs(deviations[:, g] - deviations[:, h]) / scale, out=widest)
    return max(two_sided_z(level), float(np.quantile(widest, level)))


def rate_resamples(rates: Rates) -> tuple[Floats, Floats, Floats]:
    """Return smoothed rates [K], their standard errors [K] and resampled rates [resamples, K]."""
    n = np.maximum(np.rint(rates.size), 1).astype(np.int64)
    smoothed = (rates.rate * n + 0.5) / (n + 1)
    draws = generator().binomial(n, smoothed, size=(COUNT_REPEATS, len(n))) / n
    return smoothed, np.sqrt(smoothed * (1 - smoothed) / n), draws
