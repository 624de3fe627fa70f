"""Maximum logit (Hendrycks et al. 2022)."""

from __future__ import annotations

from efficienttrust.evaluation.ood._detector import Array, Detector, Floats, detectors


@detectors.register("max_logit")
class MaximumLogit(Detector):
    """Largest logit: unlike a probability it still tells a strong from a weak response to every class."""

    name = "max_logit"
    definition = "Largest logit (Hendrycks et al. 2022)."
    needs = frozenset({"logits"})

    def _fit(self, features: Array, logits: Floats, labels: Array) -> None:
        pass

    def _score(self, features: Array, logits: Floats) -> Floats:
        largest: Floats = logits.max(axis=1)
        return largest
