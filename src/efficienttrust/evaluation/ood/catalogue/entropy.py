"""Entropy of the predicted distribution."""

from __future__ import annotations

import numpy as np

from efficienttrust.evaluation.ood._detector import Array, Detector, Floats, detectors
from efficienttrust.evaluation.ood._softmax import log_probabilities


@detectors.register("entropy")
class Entropy(Detector):
    """Negative entropy of the class probabilities: 0 for a sure row, −log K for an undecided one."""

    name = "entropy"
    definition = "Negative entropy of the softmax probabilities, in nats."
    needs = frozenset({"logits"})

    def _fit(self, features: Array, logits: Floats, labels: Array) -> None:
        pass

    def _score(self, features: Array, logits: Floats) -> Floats:
        logs = log_probabilities(logits)
        negative: Floats = np.einsum("nk,nk->n", np.exp(logs), logs)
        return negative
