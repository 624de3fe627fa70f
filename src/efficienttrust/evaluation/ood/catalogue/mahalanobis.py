"""Mahalanobis distance to the nearest class (Lee et al. 2018)."""

from __future__ import annotations

from efficienttrust.evaluation.ood._covariance import check_dimensions
from efficienttrust.evaluation.ood._detector import Array, Detector, Floats, detectors
from efficienttrust.evaluation.ood._gaussians import fit_gaussians


@detectors.register("mahalanobis")
class Mahalanobis(Detector):
    """Negative squared Mahalanobis distance to the nearest class mean, with one covariance for all classes.

    Differs from the source in using the last features only, without input perturbation or a regression over layers,
    which is tuned on outside rows; and in shrinking a covariance that cannot be inverted (see `whiten`).
    """

    name = "mahalanobis"
    definition = "Negative squared Mahalanobis distance to the nearest class mean, common covariance (Lee et al. 2018)."
    needs = frozenset({"features", "labels"})

    def _fit(self, features: Array, logits: Floats, labels: Array) -> None:
        check_dimensions(features, self.name)
        self._classes = fit_gaussians(features, labels)
        self.notes = self._classes.notes

    def _score(self, features: Array, logits: Floats) -> Floats:
        return -self._classes.distance(features)
