"""Means of a share per row, each between 0 and 1: an accuracy whose rows may be partly right.

The interval is Wilson's at the number of independent yes-or-no rows that would leave the same doubt, m (1 - m) over the
squared standard error of the mean m; the limit of a certificate is Hoeffding's.
"""

from __future__ import annotations

import numpy as np

from efficienttrust.metrics.intervals import percent, two_sided_z, wilson
from efficienttrust.metrics.means import mean_of
from efficienttrust.metrics.values import Array, Estimate, Floats, Limit


def share_estimate(shares: Floats, weight: Array | None, level: float, note: str = "") -> Estimate:
    """Return the mean of shares [n] with its interval."""
    n = len(shares)
    if n == 0:
        return Estimate.missing(n, "no rows here")
    mean = mean_of(shares, weight)
    value, error = float(mean.value[0]), float(mean.error[0])
    w = np.ones(n) if weight is None else np.asarray(weight, dtype=np.float64)
    rows = value * (1 - value) / error**2 if 0 < error < np.inf else float(w.sum() ** 2 / (w @ w))
    low, high = wilson(value * rows, rows, two_sided_z(level))
    return Estimate(value, float(low), float(high), n, f"Wilson {percent(level)}, effective size", note)


def share_limit(shares: Floats, weight: Array | None, alpha: float, better: str) -> Limit:
    """Return the limit of the mean of shares [n] on its worse side (Hoeffding, valid at any n)."""
    n = len(shares)
    if n == 0:
        return Limit.missing(n, "no rows here")
    w = np.ones(n) if weight is None else np.asarray(weight, dtype=np.float64)
    value = float(np.average(shares, weights=w))
    reach = float(np.sqrt(np.log(1 / alpha) / 2 * (w @ w)) / w.sum())
    method = "Hoeffding" if weight is None else "Hoeffding, effective size"
    if better == "higher":
        return Limit(max(0.0, value - reach), max(0.0, 1 - reach), n, method)
    return Limit(min(1.0, value + reach), min(1.0, reach), n, method)
