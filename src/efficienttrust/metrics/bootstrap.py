"""Resampling, seeded and vectorised: what gives an interval to metrics without a closed form.

Where a metric depends on a few counts only, counts are drawn from the binomial or multinomial law directly, which is
the same as resampling rows and costs nothing. Only metrics of one's own resample rows.
"""

from __future__ import annotations

import numpy as np

from efficienttrust.metrics.intervals import percent
from efficienttrust.metrics.values import Estimate, Floats, Limit

COUNT_REPEATS = 2000
"""Resamples where only counts are drawn."""
ROW_REPEATS = 300
"""Resamples of rows behind a two-sided interval."""
CHUNK = 250_000
"""Random numbers held at a time: they stay in the cache of the processor."""


def generator() -> np.random.Generator:
    """Return the generator of every bootstrap: always the same seed, so that a number can be recomputed."""
    return np.random.default_rng(20240229)


def repeats_for(alpha: float, least: int = 1000) -> int:
    """Return how many resamples a one-sided limit at level 1 - alpha needs: twenty beyond the limit."""
    return max(least, int(np.ceil(20 / alpha)))


def percentile_estimate(value: float, draws: Floats, level: float, n: int, note: str = "") -> Estimate:
    """Return an estimate with the percentile interval of its resamples."""
    finite = draws[np.isfinite(draws)]
    if len(finite) == 0:
        return Estimate.missing(n, note or "no resample of these rows has a value")
    low, high = np.quantile(finite, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value, float(low), float(high), n, f"bootstrap {percent(level)}, {len(draws)} resamples", note)


def percentile_limit(draws: Floats, best: Floats, alpha: float, n: int, note: str = "") -> Limit:
    """Return the lower limit from resamples, and the limit from the resamples of the best possible estimate."""
    finite, finite_best = draws[np.isfinite(draws)], best[np.isfinite(best)]
    if len(finite) == 0 or len(finite_best) == 0:
        return Limit.missing(n, note or "no resample of these rows has a value")
    method = f"bootstrap, {len(draws)} resamples"
    return Limit(float(np.quantile(finite, alpha)), float(np.quantile(finite_best, alpha)), n, method, note)
