"""A common covariance, inverted with care: what a Mahalanobis distance rests on.

Letters: r_i residuals of n rows in d dimensions, C class means that were subtracted; S = Σ r_i r_i^T / n.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.ood._detector import BLOCK, Array, Floats

MOST_DIMENSIONS: Final = 8192
"""Features that a covariance may have: beyond, the matrix alone takes more than half a gigabyte."""
ROWS_A_DIMENSION: Final = 10
"""Rows per dimension from which S is used as it is."""
WORST_CONDITION: Final = 1e10
"""Condition number of the correlations up to which S is used as it is."""
LEAST_SHRINKAGE: Final = 1e-6
"""Keeps a shrunk matrix invertible when the formula finds nothing to shrink."""
CONSTANT: Final = 1e-10
"""A column that varies less than this share of its size is constant."""


@dataclass(frozen=True, eq=False)
class Whitening:
    """The linear map after which a Mahalanobis distance is a plain one.

    Attributes:
        matrix: W [d, d] with W W^T = (inverse covariance).
        shrinkage: Weight of the target of Ledoit and Wolf; 0 where S was used as it is.
    """

    matrix: Floats
    shrinkage: float


def check_dimensions(features: Array, name: str) -> None:
    """Raise `UsageError` for more features than a covariance can have."""
    if features.shape[1] > MOST_DIMENSIONS:
        raise UsageError(
            f"{name}: {features.shape[1]} features are too many for a covariance (at most {MOST_DIMENSIONS}): "
            "give it the input of the model's last layer"
        )


def whiten(features: Array, member: NDArray[np.int64], means: Floats) -> Whitening:
    """Return the whitening map of the residuals of rows from the mean of their class.

    S is the maximum likelihood estimate, divided by n (Lee et al. 2018), while there are at least ten rows a dimension
    and it is well-conditioned; then distances do not change under any invertible linear map of the features. Otherwise
    (few rows, constant or dependent features) the correlations are shrunk towards the identity by the formula of Ledoit
    and Wolf 2004, in units of each column's own spread, so that a feature that never moved in training counts when it
    moves, but not without limit.

    Args:
        features: [n, d].
        member: [n] position of each row's class among the means.
        means: [C, d].
    """
    n, d = features.shape
    scatter = np.zeros((d, d))
    for rows in blocks(n):
        residual = features[rows] - means[member[rows]]
        scatter += residual.T @ residual
    unit = _units(features, means, np.sqrt(np.diag(scatter) / n))
    correlation = scatter / n / unit / unit[:, None]
    values, vectors = np.linalg.eigh(correlation)
    shrinkage = 0.0
    if n - len(means) < ROWS_A_DIMENSION * d or values[0] * WORST_CONDITION < values[-1] or values[-1] <= 0:
        fourth = sum(_fourth((features[rows] - means[member[rows]]) / unit) for rows in blocks(n))
        shrinkage = _ledoit_wolf(correlation, fourth, n)
        target = float(np.trace(correlation)) / d or 1.0  # no residual at all: plain distances
        values = (1 - shrinkage) * np.maximum(values, 0.0) + shrinkage * target
    return Whitening(vectors / np.sqrt(values) / unit[:, None], shrinkage)


def blocks(n: int) -> list[slice]:
    """Return the slices that cut n rows into blocks."""
    return [slice(start, start + BLOCK) for start in range(0, n, BLOCK)]


def _units(features: Array, means: Floats, spread: Floats) -> Floats:
    """Return a positive unit for each column: its spread in classes, else between rows, else that of other columns."""
    size = np.maximum(np.abs(features).max(axis=0), np.finfo(float).tiny)
    overall = np.array(features.std(axis=0, dtype=np.float64))
    unit = np.where(spread > CONSTANT * size, spread, np.where(overall > CONSTANT * size, overall, 0.0))
    unit[unit == 0] = np.median(unit[unit > 0]) if unit.any() else 1.0
    return unit


def _fourth(residual: Floats) -> float:
    """Return Σ ||r_i||^4 of a block."""
    return float((np.einsum("nd,nd->n", residual, residual) ** 2).sum())


def _ledoit_wolf(covariance: Floats, fourth: float, n: int) -> float:
    """Return the shrinkage of Ledoit and Wolf 2004 from S and Σ ||r_i||^4."""
    d = len(covariance)
    squares = float((covariance**2).sum())
    distance = squares - float(np.trace(covariance)) ** 2 / d
    noise = (fourth / n - squares) / n
    if distance <= 0:
        return 1.0
    return min(1.0, max(LEAST_SHRINKAGE, noise / distance))
