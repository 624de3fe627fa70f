"""Energy (Liu et al. 2020)."""

from __future__ import annotations

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.ood._detector import Array, Detector, Floats, detectors
from efficienttrust.evaluation.ood._softmax import log_sum_exp


@detectors.register("energy")
class Energy(Detector):
    """Negative free energy: T log Σ_k exp(z_k / T).

    Args:
        temperature: T, above 0; the source recommends 1.
    """

    name = "energy"
    definition = "Negative free energy of the logits, T log sum exp(z / T) (Liu et al. 2020)."
    needs = frozenset({"logits"})

    def __init__(self, temperature: float = 1.0) -> None:
        if not 0 < temperature < float("inf"):
            raise UsageError(f"temperature of energy must be above 0 and finite, not {temperature}")
        self.temperature = temperature

    def _fit(self, features: Array, logits: Floats, labels: Array) -> None:
        pass

    def _score(self, features: Array, logits: Floats) -> Floats:
        return self.temperature * log_sum_exp(logits / self.temperature)
