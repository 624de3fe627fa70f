"""Grid search over multipliers (Agarwal et al. 2018) by fairlearn, over networks that our loop trains."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.training._trainer import trainers
from efficienttrust.training.reductions import ReductionTrainer

POINTS = 10  # fairlearn's default


@trainers.register("grid_search")
class GridSearchTrainer(ReductionTrainer):
    """Trains a network at each of `POINTS` multipliers; the best by error and gap on training rows comes first."""

    most, title, mixed = POINTS, "grid search", False

    @staticmethod
    def play(
        learner: Any, moment: Any, rows: NDArray[np.int64], y: NDArray[np.int64], groups: NDArray[np.int64]
    ) -> None:
        """Let fairlearn walk its grid."""
        from fairlearn.reductions import GridSearch

        GridSearch(learner, moment, grid_size=POINTS).fit(rows, y, sensitive_features=groups)
