"""Tests whose error is the scatter of a term between units: what a factorial trial on blocks can claim."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class UnitTest:
    """F of the mean over units.

    Attributes:
        f: Of the mean against the scatter of seeds within data sets.
        df: Numerator and denominator, corrected for unequal variances.
        p: Of `f`.
        p_across: Of the mean against the scatter of the means of data sets.
    """

    f: float
    df: tuple[float, float]
    p: float
    p_across: float


def over_units(z: Floats, blocks: Ints) -> UnitTest:
    """Test whether the mean over data sets of estimates by unit is 0.

    The error is pooled within data sets; its degrees of freedom are corrected as Greenhouse and Geisser (1959) do it
    for repeated measures, which for one column is the t test.

    Args:
        z: Estimates, in coordinates in which their squared length is a sum of squares [units, k]; NaN where unknown.
        blocks: Data set of each unit [units].
    """
    known = np.isfinite(z).all(1)
    z, blocks = z[known], blocks[known]
    found, index = np.unique(blocks, return_inverse=True)
    if not len(found):
        return UnitTest(np.nan, (np.nan, np.nan), np.nan, np.nan)
    sizes = np.bincount(index)
    means = np.stack([z[index == i].mean(0) for i in range(len(found))])
    f, df, p = _mean_against(
        means.mean(0), z - means[index], len(z) - len(found), float((1 / sizes).sum()) / len(found) ** 2
    )
    _, _, p_across = _mean_against(means.mean(0), means - means.mean(0), len(found) - 1, 1 / len(found))
    return UnitTest(f, df, p, p_across)


def _mean_against(mean: Floats, deviations: Floats, df: int, factor: float) -> tuple[float, tuple[float, float], float]:
    """Return (F, its degrees of freedom, p) of a mean whose variance is `factor` × that of one deviation."""
    from scipy import stats

    nothing = np.nan, (np.nan, np.nan), np.nan
    if df < 1:
        return nothing
    covariance = deviations.T @ deviations / df
    trace = float(np.trace(covariance))
    if trace <= 1e-20 * max(float(mean @ mean), 1e-280):
        return nothing
    f = float(mean @ mean) / (trace * factor)
    epsilon = trace**2 / (len(mean) * float((covariance**2).sum()))
    degrees = len(mean) * epsilon, len(mean) * epsilon * df
    return f, degrees, float(stats.f.sf(f, *degrees))
