"""The guard: notices catastrophic overfitting, the sudden loss of all real robustness in single-step training.

Sign: accuracy under the single-step attack stays high while accuracy under PGD falls (Wong et al. 2020). The remedy
is to go back to the last good weights, train on PGD from there and halve the learning rate; at most once a run.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

TOLERANCE = 0.10  # in accuracy, for both signs


@dataclass
class Guard:
    """Watches monitor points; state lives here because it must outlast a kill.

    Attributes:
        last_pgd: PGD accuracy at the last good monitor point, NaN before the first.
        fired: Whether the guard has acted; it acts once.
    """

    last_pgd: float = math.nan
    fired: bool = False

    def check(self, fgsm_accuracy: float, pgd_accuracy: float) -> str | None:
        """Return the reason to roll back, or None while all is well.

        Args:
            fgsm_accuracy: Share still right under one sign step, on the monitor split.
            pgd_accuracy: Share still right under PGD, on the same rows.
        """
        drop = 0.0 if math.isnan(self.last_pgd) else self.last_pgd - pgd_accuracy
        spread = fgsm_accuracy - pgd_accuracy
        if not self.fired and (spread > TOLERANCE or drop > TOLERANCE):
            self.fired = True
            if spread > TOLERANCE:
                return f"FGSM accuracy {fgsm_accuracy:.3f} exceeds PGD accuracy {pgd_accuracy:.3f} by {spread:.3f}"
            return f"PGD accuracy fell by {drop:.3f} to {pgd_accuracy:.3f} since the last monitor point"
        self.last_pgd = pgd_accuracy
        return None

    def state_dict(self) -> dict[str, float | bool]:
        """Return the state, for a checkpoint."""
        return asdict(self)

    def load_state_dict(self, state: dict[str, float | bool]) -> None:
        """Take the state of a checkpoint."""
        self.last_pgd, self.fired = float(state["last_pgd"]), bool(state["fired"])
