"""Exponentiated gradient (Agarwal et al. 2018) by fairlearn, over networks that our loop trains."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.training._trainer import trainers
from efficienttrust.training.reductions import ReductionTrainer

ITERATIONS = 50  # at most: models run out long before


@trainers.register("exponentiated_gradient")
class ExponentiatedGradientTrainer(ReductionTrainer):
    """Trains up to `most` networks as fairlearn's game asks (one to five an iteration), and blends them."""

    most, title, mixed = 12, "exponentiated gradient", True

    @staticmethod
    def play(
        learner: Any, moment: Any, rows: NDArray[np.int64], y: NDArray[np.int64], groups: NDArray[np.int64]
    ) -> None:
        """Let fairlearn play the game to its end."""
        from fairlearn.reductions import ExponentiatedGradient

        ExponentiatedGradient(learner, moment, max_iter=ITERATIONS).fit(rows, y, sensitive_features=groups)
