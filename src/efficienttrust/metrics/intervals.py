"""Intervals for rates and their differences, in closed form and vectorised over cells.

Notation: x hits in n trials, rate p = x / n; z is the normal quantile of the level. Every function takes real x and n,
so that weighted rates can be given with their effective size.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from efficienttrust.metrics.values import Floats


def two_sided_z(level: float) -> float:
    """Return the normal quantile z of a two-sided interval, 1.96 at level 0.95."""
    return NormalDist().inv_cdf(0.5 + level / 2)


def percent(level: float) -> str:
    """Return a level as text: `95%`, `98.3%`."""
    return f"{100 * level:.4g}%"


def wilson(hits: ArrayLike, n: ArrayLike, z: float) -> tuple[Floats, Floats]:
    """Return the Wilson score interval of a rate; (0, 1) where there are no trials.

    Math: the p at which |x/n - p| = z sqrt(p (1 - p) / n).

    References:
        Wilson 1927. Brown, Cai and DasGupta 2001 recommend it for all n.
    """
    x, size = np.asarray(hits, dtype=np.float64), np.asarray(n, dtype=np.float64)
    miss = size - x
    centre = x + z**2 / 2
    half = z * np.sqrt(x * miss / np.maximum(size, np.finfo(float).tiny) + z**2 / 4)
    low = np.where(x > 0, (centre - half) / (size + z**2), 0.0)
    high = np.where(miss > 0, (centre + half) / (size + z**2), 1.0)
    return np.where(size > 0, low, 0.0), np.where(size > 0, high, 1.0)


def newcombe(hits1: ArrayLike, n1: ArrayLike, hits2: ArrayLike, n2: ArrayLike, z: float) -> tuple[Floats, Floats]:
    """Return Newcombe's hybrid score interval of the difference p1 - p2 of two independent rates.

    Math: Wilson's distances of each rate from its ends, added in squares.

    References:
        Newcombe 1998, method 10. His example 56/70 against 48/80 gives (0.0524, 0.3339).
    """
    x1, m1, x2, m2 = (np.asarray(value, dtype=np.float64) for value in (hits1, n1, hits2, n2))
    p1, p2 = x1 / m1, x2 / m2
    low1, high1 = wilson(x1, m1, z)
    low2, high2 = wilson(x2, m2, z)
    difference = p1 - p2
    return difference - np.hypot(p1 - low1, high2 - p2), difference + np.hypot(high1 - p1, p2 - low2)


def clopper_pearson(hits: ArrayLike, n: ArrayLike, alpha: float) -> tuple[Floats, Floats]:
    """Return the exact one-sided lower and upper limits of a rate, each at level 1 - alpha.

    Both together are a two-sided interval at level 1 - 2 alpha. 0 of 100 at alpha 0.05 has the upper limit 0.0295130.

    References:
        Clopper and Pearson 1934.
    """
    from scipy import special

    x, size = np.asarray(hits, dtype=np.float64), np.asarray(n, dtype=np.float64)
    low = np.where(x > 0, special.betaincinv(np.maximum(x, 0.5), size - x + 1, alpha), 0.0)
    high = np.where(x < size, special.betaincinv(x + 1, np.maximum(size - x, 0.5), 1 - alpha), 1.0)
    return low, high


def folded(low: ArrayLike, high: ArrayLike) -> tuple[Floats, Floats]:
    """Return the interval of |d| from an interval of d."""
    a, b = np.abs(low), np.abs(high)
    straddles = np.asarray(low) * np.asarray(high) <= 0
    return np.where(straddles, 0.0, np.minimum(a, b)), np.maximum(a, b)
