"""MSP: maximum softmax probability (Hendrycks and Gimpel 2017)."""

from __future__ import annotations

from efficienttrust.evaluation.ood._detector import Array, Detector, Floats, detectors
from efficienttrust.evaluation.ood._softmax import log_max_probability


@detectors.register("msp")
class MaximumSoftmaxProbability(Detector):
    """Largest class probability.

    Differs in returning its logarithm, which keeps the order of rows whose probability rounds to 1.
    """

    name = "msp"
    definition = "Largest softmax probability, as logarithm (Hendrycks and Gimpel 2017)."
    needs = frozenset({"logits"})

    def _fit(self, features: Array, logits: Floats, labels: Array) -> None:
        pass

    def _score(self, features: Array, logits: Floats) -> Floats:
        return log_max_probability(logits)
