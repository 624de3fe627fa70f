"""Means by group from first and second moments: what `metrics.means` finds from rows."""

from __future__ import annotations

import numpy as np

from efficienttrust.metrics.intervals import percent
from efficienttrust.metrics.means import LOG_SCALE, Means
from efficienttrust.metrics.streaming._tally import Cells
from efficienttrust.metrics.values import Estimate, Floats


def means_of(rows: Cells, first: Floats, crossed: Floats, second: Floats) -> Means:
    """Return the mean of values l in each of G groups.

    Args:
        rows: [G] rows of each group.
        first: [G] sums of w l.
        crossed: [G] sums of w^2 l.
        second: [G] sums of w^2 l^2.
    """
    mass, n = rows.mass.astype(np.float64), rows.rows
    with np.errstate(invalid="ignore", divide="ignore"):
        value = first / mass
        squares = np.maximum(second - 2 * value * crossed + value**2 * rows.squares, 0)
        error = np.sqrt(squares * n / np.maximum(n - 1, 1)) / mass
    return Means(value, np.where(n > 1, error, np.inf), np.where(mass > 0, n, 0))


def loss_of_all(means: Means, n: int, obstacle: str, level: float) -> Estimate:
    """Return the mean loss of all rows, that of the only group of `means`, with its interval."""
    if obstacle:
        return Estimate.missing(n, obstacle)
    low, high = means.log_ends(level)
    return Estimate(float(means.value[0]), float(low[0]), float(high[0]), n, f"{LOG_SCALE} {percent(level)}")
