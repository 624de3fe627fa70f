"""Expected calibration error over equal-mass bins, and its resamples.

The plug-in estimate is biased upwards: sampling noise in each bin has no sign. The lower end of an interval is
therefore mirrored at the estimate (2 e - upper quantile), the upper end only recentred, which errs on the side of
caution.
"""

from __future__ import annotations

import numpy as np

from efficienttrust.metrics.bootstrap import generator, resampled_sums
from efficienttrust.metrics.values import Array, Floats

BINS = 15
"""Bins of equal mass."""
ROWS_PER_BIN = 10
"""Fewer bins are used where they would hold fewer rows than this."""


def calibration_error(y: Array, score: Array, weight: Array | None) -> float:
    """Return the mean over bins, weighted by mass, of |share of positives - mean score|."""
    sums = _sums(y, score, weight)
    return float(_errors(sums.sum(axis=0)[None])[0])


def calibration_resamples(y: Array, score: Array, weight: Array | None, repeats: int) -> Floats:
    """Return the errors of resamples of the rows, in the same bins."""
    return _errors(resampled_sums(_sums(y, score, weight), repeats, generator()))


def recentred(value: float, draws: Floats, low_tail: float, high_tail: float) -> tuple[float, float]:
    """Return (mirrored low end, recentred high end) of the interval of an error that is biased upwards."""
    low, high = np.quantile(draws, 1 - low_tail), np.quantile(draws, 1 - high_tail)
    return max(0.0, 2 * value - float(low)), min(1.0, value + float(high - draws.mean()))


def _sums(y: Array, score: Array, weight: Array | None) -> Floats:
    """Return [n, bins + 1]: the weighted residual of each row in the column of its bin, and its weight."""
    n = len(y)
    bins = int(np.clip(n // ROWS_PER_BIN, 1, BINS))
    edges = np.unique(np.quantile(score, np.linspace(0, 1, bins + 1)[1:-1])) if bins > 1 else np.empty(0)
    w = np.ones(n) if weight is None else np.asarray(weight, dtype=np.float64)
    sums = np.zeros((n, bins + 1))
    sums[np.arange(n), np.searchsorted(edges, score, side="right")] = w * (y - np.asarray(score, dtype=np.float64))
    sums[:, -1] = w
    return sums


def _errors(sums: Floats) -> Floats:
    errors: Floats = np.abs(sums[:, :-1]).sum(axis=1) / sums[:, -1]
    return errors
