"""Relative Mahalanobis distance (Ren et al. 2021)."""

from __future__ import annotations

import numpy as np

from efficienttrust.evaluation.ood._covariance import check_dimensions
from efficienttrust.evaluation.ood._detector import Array, Detector, Floats, detectors
from efficienttrust.evaluation.ood._gaussians import fit_gaussians


@detectors.register("relative_mahalanobis")
class RelativeMahalanobis(Detector):
    """Mahalanobis distance to a single Gaussian of all rows, minus that to the nearest class.

    Directions that no class uses weigh the same in both distances and cancel.
    """

    name = "relative_mahalanobis"
    definition = "Squared Mahalanobis distance to all rows as one Gaussian minus that to the nearest class (Ren 2021)."
    needs = frozenset({"features", "labels"})

    def _fit(self, features: Array, logits: Floats, labels: Array) -> None:
        check_dimensions(features, self.name)
        self._classes = fit_gaussians(features, labels)
        self._everything = fit_gaussians(features, np.zeros_like(labels))
        self.notes = self._classes.notes or self._everything.notes

    def _score(self, features: Array, logits: Floats) -> Floats:
        return self._everything.distance(features) - self._classes.distance(features)
