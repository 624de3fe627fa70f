"""ViM: virtual-logit matching (Wang et al. 2022).

Letters: W [d, K], b [K] the last layer; o its origin, where all logits are 0; R [d, d − D] an orthonormal basis of what
the D main directions of the fit rows leave; α the scale of the virtual logit.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.ood._covariance import blocks, check_dimensions
from efficienttrust.evaluation.ood._detector import Array, Detector, Floats, detectors
from efficienttrust.evaluation.ood._softmax import log_sum_exp

LINEAR: Final = 1e-3
"""Largest root mean square error, over that of the logits, with which the logits count as linear in the features."""


@detectors.register("vim")
class VirtualLogitMatching(Detector):
    """log Σ_k exp(z_k) − α ||R^T (x − o)||: the energy of the logits minus a virtual logit for what they do not see.

    R spans the d − D smallest eigenvectors of Σ (x − o)(x − o)^T, and α makes the mean virtual logit equal to the mean
    largest logit. Differs from the source in recovering W and b from features and logits by least squares, which is
    exact where the last layer is linear and its features vary; where it is not linear, o is the mean of the features.

    Args:
        dimensions: D. None takes 1000 from 2048 features on, 512 from 768 on, as the source does, and half of fewer.
    """

    name = "vim"
    definition = "Energy minus a virtual logit, the scaled residual outside the main subspace (ViM, Wang et al. 2022)."
    needs = frozenset({"features", "logits"})

    def __init__(self, dimensions: int | None = None) -> None:
        self.dimensions = dimensions

    def _fit(self, features: Array, logits: Floats, labels: Array) -> None:
        check_dimensions(features, self.name)
        main = self._main(features.shape[1])
        self._origin, linear = _origin(features, logits)
        scatter = np.zeros((features.shape[1],) * 2)
        for rows in blocks(len(features)):
            centred = features[rows] - self._origin
            scatter += centred.T @ centred
        _, vectors = np.linalg.eigh(scatter)
        self._rest = np.ascontiguousarray(vectors[:, : features.shape[1] - main])
        residual = np.concatenate([self._residual(features[rows]) for rows in blocks(len(features))])
        largest = float(logits.max(axis=1).mean())
        if largest <= 0:  # such logits are known up to a constant: one that puts their mean at 0
            largest = float((logits.max(axis=1) - logits.mean(axis=1)).mean())
        typical = float(residual.mean())
        # without a residual among the fit rows there is nothing to match: then rows are told apart by energy alone
        self._alpha = largest / typical if typical > 1e-12 * (1 + float(np.abs(features).max())) else 0.0
        notes = [] if linear else ["vim: logits are not linear in the features; the origin is the mean of the fit rows"]
        notes += [] if self._alpha else ["vim: fit rows leave no residual, so it equals energy"]
        self.notes = tuple(notes)

    def _score(self, features: Array, logits: Floats) -> Floats:
        return log_sum_exp(logits) - self._alpha * self._residual(features)

    def _main(self, width: int) -> int:
        if self.dimensions is None:
            return 1000 if width >= 2048 else 512 if width >= 768 else width // 2
        if not 0 <= self.dimensions < width:
            raise UsageError(f"dimensions of vim must lie between 0 and {width - 1}, not {self.dimensions}")
        return self.dimensions

    def _residual(self, features: Array) -> Floats:
        length: Floats = np.linalg.norm((features - self._origin) @ self._rest, axis=1)
        return length


def _origin(features: Array, logits: Floats) -> tuple[Floats, bool]:
    """Return (the point o of least norm with W^T o + b = 0, whether the logits are linear in the features).

    The normal equations are solved in the directions in which the features vary, by more than 1e-5 of the largest.
    """
    x_mean, z_mean = features.mean(axis=0, dtype=np.float64), logits.mean(axis=0)
    z = logits - z_mean
    scatter, cross = np.zeros((len(x_mean),) * 2), np.zeros((len(x_mean), len(z_mean)))
    for rows in blocks(len(features)):
        centred = features[rows] - x_mean
        scatter += centred.T @ centred
        cross += centred.T @ z[rows]
    weight = np.linalg.pinv(scatter, rcond=1e-10, hermitian=True) @ cross
    error = sum(float((((features[rows] - x_mean) @ weight - z[rows]) ** 2).sum()) for rows in blocks(len(features)))
    size = float((z**2).sum())
    if size == 0 or error > LINEAR**2 * size:
        return x_mean, False
    return -np.linalg.pinv(weight.T, rcond=1e-6) @ (z_mean - x_mean @ weight), True
