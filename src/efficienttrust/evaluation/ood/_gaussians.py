"""Gaussians with a common covariance, one per class: the distance of a row to the nearest of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from efficienttrust.evaluation.ood._covariance import blocks, whiten
from efficienttrust.evaluation.ood._detector import Array, Floats


@dataclass(frozen=True, eq=False)
class Gaussians:
    """Class means and one covariance, in whitened coordinates.

    Attributes:
        centre: [d] mean of all rows, subtracted first so that large offsets cost no digits.
        matrix: [d, d] whitening map.
        means: [C, d] class means, centred and whitened.
        notes: What a reader must know about the covariance.
    """

    centre: Floats
    matrix: Floats
    means: Floats
    notes: tuple[str, ...]

    def distance(self, features: Array) -> Floats:
        """Return the squared Mahalanobis distance of each row to the nearest class mean [m]."""
        white = (features - self.centre) @ self.matrix
        cross = white @ self.means.T
        squared = np.einsum("nd,nd->n", white, white)[:, None] - 2 * cross + (self.means**2).sum(axis=1)
        nearest: Floats = np.maximum(squared.min(axis=1), 0.0)
        return nearest


def fit_gaussians(features: Array, labels: NDArray[np.int64]) -> Gaussians:
    """Fit a mean to each class that occurs and one covariance to all rows around their class mean."""
    _, member = np.unique(labels, return_inverse=True)
    counts = np.bincount(member)
    centre = features.mean(axis=0, dtype=np.float64)
    sums = np.zeros((len(counts), features.shape[1]))
    for rows in blocks(len(features)):
        np.add.at(sums, member[rows], features[rows] - centre)
    means = centre + sums / counts[:, None]
    white = whiten(features, member, means)
    n, d = features.shape
    shrunk = f"covariance of {d} features from {n} rows is uncertain or singular: shrunk by {white.shrinkage:.2g}"
    notes = (f"{shrunk} (Ledoit and Wolf 2004)",) if white.shrinkage else ()
    return Gaussians(centre, white.matrix, (means - centre) @ white.matrix, notes)
