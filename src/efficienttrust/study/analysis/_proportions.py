"""Intervals of a share."""

from __future__ import annotations

from efficienttrust.study.analysis._rows import Estimate


def wilson(count: int, trials: int, level: float) -> Estimate:
    """Return a share with Wilson's interval (1927)."""
    from scipy import stats

    if not trials:
        return Estimate(float("nan"), float("nan"), float("nan"))
    z = float(stats.norm.ppf((1 + level) / 2))
    share, spread = count / trials, z * z / trials
    centre = (share + spread / 2) / (1 + spread)
    reach = (z / (1 + spread)) * (share * (1 - share) / trials + spread / (4 * trials)) ** 0.5
    return Estimate(share, max(0.0, centre - reach), min(1.0, centre + reach))


def clopper_pearson(count: int, trials: int, level: float) -> Estimate:
    """Return a share with the exact interval of Clopper and Pearson (1934)."""
    from scipy import stats

    if not trials:
        return Estimate(float("nan"), float("nan"), float("nan"))
    tail = (1 - level) / 2
    low = float(stats.beta.ppf(tail, count, trials - count + 1)) if count else 0.0
    high = float(stats.beta.isf(tail, count + 1, trials - count)) if count < trials else 1.0
    return Estimate(count / trials, low, high)
