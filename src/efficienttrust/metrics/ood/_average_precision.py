"""Area under the precision-recall curve (average precision), inside or outside rows as positives.

Letters: x_i the n scores of positives, y_j the m scores of negatives; a_i and b_i count the positives and negatives
that score at least x_i, ties included. Precision at x_i is a_i / (a_i + b_i); average precision is its mean over
positives.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from efficienttrust.metrics.intervals import percent
from efficienttrust.metrics.ood._scores import as_scores, obstacle
from efficienttrust.metrics.ood._share import Share, share_of
from efficienttrust.metrics.values import Estimate, Floats, Limit

METHOD = "influence function, logit scale"


def aupr_in(inside: ArrayLike, outside: ArrayLike, level: float = 0.95) -> Estimate:
    """Return the average precision of finding inside rows by a high score.

    It depends on how many rows of each kind there are: a useless detector has n / (n + m). Compare it only between
    detectors on the same rows.

    Args:
        inside: Scores of in-distribution rows [n]; higher means more in-distribution.
        outside: Scores of out-of-distribution rows [m].
        level: Level of the two-sided interval, for fixed n and m.

    References:
        Davis and Goadrich 2006 on why there is no linear interpolation; Boyd, Eng and Page 2013 on the logit scale.
        Differs in the variance, which here also counts the noise of the negatives.
    """
    return _estimate(as_scores(inside), as_scores(outside), level)


def aupr_out(inside: ArrayLike, outside: ArrayLike, level: float = 0.95) -> Estimate:
    """Return the average precision of finding outside rows by a low score; see `aupr_in`."""
    return _estimate(-as_scores(outside), -as_scores(inside), level)


def aupr_limit(positives: ArrayLike, negatives: ArrayLike, alpha: float) -> Limit:
    """Return the lower limit of the average precision of finding positives by a high score, at level 1 − alpha.

    Approximate: with 50 rows of a kind a limit at level 95 % held in 91 to 97 of 100 simulated cases, with 500 in 93 to
    95, as average precision is a little too high on few rows.
    """
    x, y = as_scores(positives), as_scores(negatives)
    if reason := obstacle(x, y):
        return Limit.missing(len(x) + len(y), reason)
    return Limit(*_average_precision(x, y).lower_limit(alpha), len(x) + len(y), f"{METHOD}, approximate")


def _estimate(positives: Floats, negatives: Floats, level: float) -> Estimate:
    n = len(positives) + len(negatives)
    if reason := obstacle(positives, negatives):
        return Estimate.missing(n, reason)
    precision = _average_precision(positives, negatives)
    return Estimate(precision.value, *precision.interval(level), n, f"{METHOD} {percent(level)}")


def _average_precision(positives: Floats, negatives: Floats) -> Share:
    """Return average precision, with its variance by the delta method.

    Math: one more positive at score s adds its own precision and raises the precision at every x_i <= s by
    b_i / (a_i + b_i)^2; one more negative at s lowers it by a_i / (a_i + b_i)^2. The variance of these influences over
    the rows of each kind, divided by their number, adds up to that of the average.
    """
    x, y = np.sort(positives), np.sort(negatives)
    n, m = len(x), len(y)
    a = (n - np.searchsorted(x, x, side="left")).astype(np.float64)
    b = (m - np.searchsorted(y, x, side="left")).astype(np.float64)
    precision = a / (a + b)
    raised = _sums_below(b / (a + b) ** 2)[np.searchsorted(x, x, side="right")]
    lowered = _sums_below(a / (a + b) ** 2)[np.searchsorted(x, y, side="right")] * (m / n)
    return share_of(float(precision.mean()), precision + raised, lowered)


def _sums_below(values: Floats) -> Floats:
    """Return the sums of the first 0, 1, …, n values."""
    return np.concatenate([np.zeros(1), np.cumsum(values)])
