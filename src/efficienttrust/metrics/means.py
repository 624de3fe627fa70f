"""Means over rows (losses, errors, outcomes) and their intervals, in closed form.

A mean of losses is skewed and cannot be below 0: its interval is formed on the log scale by the delta method, with the
quantile of Student's t. A mean of numbers of either sign takes Student's interval as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from efficienttrust.metrics.intervals import percent
from efficienttrust.metrics.values import Array, Estimate, Floats, Limit

LOG_SCALE = "delta method on the log scale"


@dataclass(frozen=True, eq=False)
class Means:
    """Means of K groups.

    Attributes:
        value: [K] means; NaN where a group has no rows.
        error: [K] standard errors.
        n: [K] rows.
    """

    value: Floats
    error: Floats
    n: Array

    def ends(self, level: float) -> tuple[Floats, Floats]:
        """Return Student's interval of each mean."""
        half = _student(self.n, level) * self.error
        return self.value - half, self.value + half

    def log_ends(self, level: float) -> tuple[Floats, Floats]:
        """Return the interval of each mean on the log scale; a mean of 0 stays 0."""
        relative = np.divide(self.error, self.value, out=np.zeros_like(self.value), where=self.value > 0)
        factor = np.exp(np.minimum(_student(self.n, level) * relative, 500.0))
        return self.value / factor, self.value * factor

    def best(self, alpha: float) -> Floats:
        """Return the upper limit of each mean of losses at level 1 - alpha, had it been 0 with the same doubt."""
        return self.log_ends(1 - 2 * alpha)[1] - self.value


def group_means(codes: Array, k: int, values: Array, weight: Array | None) -> Means:
    """Return the mean of `values` in each of k groups; rows with code -1 are left out."""
    keep = codes >= 0
    code, v = codes[keep], np.asarray(values, dtype=np.float64)[keep]
    w = np.ones(len(code)) if weight is None else np.asarray(weight, dtype=np.float64)[keep]
    n, mass = np.bincount(code, minlength=k), np.bincount(code, weights=w, minlength=k)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.bincount(code, weights=w * v, minlength=k) / mass
        squares = np.bincount(code, weights=(w * (v - value[code])) ** 2, minlength=k)
        error = np.sqrt(squares * n / np.maximum(n - 1, 1)) / mass
    return Means(value, np.where(n > 1, error, np.inf), np.where(mass > 0, n, 0))


def mean_of(values: Array, weight: Array | None) -> Means:
    """Return the mean over all rows, as means of one group."""
    return group_means(np.zeros(len(values), dtype=np.int64), 1, values, weight)


def loss_estimate(values: Array, weight: Array | None, level: float) -> Estimate:
    """Return the mean of row losses (each at least 0) with its interval."""
    if obstacle := unusable(values):
        return Estimate.missing(len(values), obstacle)
    mean = mean_of(values, weight)
    low, high = mean.log_ends(level)
    return Estimate(float(mean.value[0]), float(low[0]), float(high[0]), len(values), f"{LOG_SCALE} {percent(level)}")


def loss_limit(values: Array, weight: Array | None, alpha: float, most: float = np.inf) -> Limit:
    """Return the upper limit of the mean of row losses; the best possible estimate is 0 with the same doubt.

    Where all losses are the same, c, they have no spread to rest a limit on. Losses of at most `most` then have the
    limit c + p (most - c), p being Clopper and Pearson's limit of the share of other losses; any others have none.
    """
    if obstacle := unusable(values):
        return Limit.missing(len(values), obstacle)
    mean = mean_of(values, weight)
    if one_value(values, weight):
        if most == np.inf:
            return Limit.missing(len(values), "all rows have the same loss, which says nothing about others")
        others, value = share_of_others(len(values), weight, alpha), float(mean.value[0])
        return Limit(value + others * (most - value), others * most, len(values), "Clopper-Pearson, all losses equal")
    high, best = mean.log_ends(1 - 2 * alpha)[1], mean.best(alpha)
    return Limit(float(high[0]), float(best[0]), len(values), LOG_SCALE)


def one_value(values: Array, weight: Array | None) -> bool:
    """Return whether all rows that count have the same value, so that its spread is unknown and not 0."""
    counted = values if weight is None else values[np.asarray(weight) > 0]
    return len(counted) > 0 and bool(np.ptp(counted) == 0)


def groups_of_one_value(codes: Array, k: int, values: Array, weight: Array | None) -> Array:
    """Return in which of k groups all rows that count have the same value [k]."""
    counted = codes >= 0 if weight is None else (codes >= 0) & (np.asarray(weight) > 0)
    low, high = np.full(k, np.inf), np.full(k, -np.inf)
    np.minimum.at(low, codes[counted], values[counted])
    np.maximum.at(high, codes[counted], values[counted])
    same: Array = low == high
    return same


def share_of_others(n: int, weight: Array | None, alpha: float) -> float:
    """Return Clopper and Pearson's limit of the share of rows unlike n rows that are all alike (effective size)."""
    w = np.ones(n) if weight is None else np.asarray(weight, dtype=np.float64)
    return float(1 - alpha ** float((w @ w) / w.sum() ** 2))


def unusable(values: Array) -> str:
    """Return why nothing can be said about values by row, or an empty text."""
    if len(values) == 0:
        return "no rows here"
    return "" if np.isfinite(values).all() else "some scores are not numbers"


def _student(n: Array, level: float) -> Floats:
    from scipy import special

    quantile: Floats = special.stdtrit(np.maximum(np.asarray(n, dtype=np.float64) - 1, 1), 0.5 + level / 2)
    return quantile
