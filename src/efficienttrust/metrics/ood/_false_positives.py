"""False positive rate at 95 % true positive rate.

Letters: q the score that 95 % of the inside population reaches, of which the threshold t is the estimate; n inside and
m outside rows. How many of n rows lie below q follows Binomial(n, 0.05) whatever the distribution of scores, so the
noise of the threshold is known exactly and without resampling.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from efficienttrust.metrics.bootstrap import COUNT_REPEATS, generator
from efficienttrust.metrics.intervals import clopper_pearson, percent
from efficienttrust.metrics.ood._scores import as_scores, obstacle
from efficienttrust.metrics.ood._threshold import MISSED, threshold_at_95_tpr
from efficienttrust.metrics.values import Array, Estimate, Floats, Limit


def fpr_at_95_tpr(inside: ArrayLike, outside: ArrayLike, level: float = 0.95) -> Estimate:
    """Return the share of outside rows that score at least t, the highest score that 95 % of the inside rows reach.

    The interval draws the rank of q among the inside rows from its binomial law and, given the count of outside rows
    above it, their rate from Jeffreys' posterior. With fewer than 60 inside rows it may reach up to 1.

    Args:
        inside: Scores of in-distribution rows [n]; higher means more in-distribution.
        outside: Scores of out-of-distribution rows [m].
        level: Level of the two-sided interval.
    """
    x, y = as_scores(inside), as_scores(outside)
    if reason := obstacle(x, y):
        return Estimate.missing(len(x) + len(y), reason)
    value = float(np.mean(y >= threshold_at_95_tpr(x)))
    rng = generator()
    below = rng.binomial(len(x), MISSED / 100, COUNT_REPEATS)
    fewest, most = _passing(np.sort(x), np.sort(y), below)
    low, high = (rng.beta(count + 0.5, len(y) - count + 0.5) for count in (fewest, most))
    tail = (1 - level) / 2
    return Estimate(
        value=value,
        low=min(value, float(np.quantile(low, tail))) if fewest.any() else 0.0,
        high=max(value, float(np.quantile(high, 1 - tail))) if (most < len(y)).any() else 1.0,
        n=len(x) + len(y),
        how=f"binomial rank of the threshold, Jeffreys {percent(level)}, {COUNT_REPEATS} draws",
    )


def fpr_at_95_tpr_limit(inside: ArrayLike, outside: ArrayLike, alpha: float) -> Limit:
    """Return the upper limit of the rate at level 1 − alpha, exact for any distribution of scores.

    Half of alpha goes to a score that lies below q, half to Clopper and Pearson's limit of the rate above that score.
    """
    x, y = as_scores(inside), as_scores(outside)
    if reason := obstacle(x, y):
        return Limit.missing(len(x) + len(y), reason)
    n, m = len(x), len(y)
    rank = _certain_rank(n, alpha / 2)
    if rank == 0:
        return Limit(1.0, 1.0, n + m, "exact", f"{n} in-distribution rows are too few to bound their 5 % quantile")
    passing = np.count_nonzero(y >= np.partition(x, rank - 1)[rank - 1])
    value, best = (float(clopper_pearson(count, m, alpha / 2)[1]) for count in (passing, 0))
    return Limit(value, best, n + m, "binomial rank of the threshold, Clopper-Pearson")


def _passing(inside: Floats, outside: Floats, below: Array) -> tuple[Array, Array]:
    """Return the fewest and the most outside rows that reach q when `below` of the sorted inside rows lie below it."""
    edges = np.concatenate([[-np.inf], inside, [np.inf]])
    fewest = len(outside) - np.searchsorted(outside, edges[below + 1], side="left")
    most = len(outside) - np.searchsorted(outside, edges[below], side="left")
    return fewest, most


def _certain_rank(n: int, alpha: float) -> int:
    """Return the largest j such that the j-th smallest of n scores exceeds q with chance alpha at most; 0 for none."""
    from scipy import stats

    return int(np.searchsorted(stats.binom.cdf(np.arange(n), n, MISSED / 100), alpha, side="right"))
