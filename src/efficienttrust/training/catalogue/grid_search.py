"""Grid search over the multipliers of a fairness constraint (Agarwal et al. 2018) by fairlearn, over networks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.atats import Policy
from efficienttrust.data import Problem
from efficienttrust.errors import UsageError
from efficienttrust.resources import Ledger
from efficienttrust.training._trainer import Candidates, TrainingTask, trainers
from efficienttrust.training.catalogue.exponentiated_gradient import NOT_INSTALLED
from efficienttrust.training.reductions import NetworkLearner, is_installed, reduce

POINTS = 10  # fairlearn's default


@trainers.register("grid_search")
class GridSearchTrainer:
    """Trains a network at each of `POINTS` multipliers; the best by error and gap on training rows comes first.

    Args:
        task: What to train for; one of its targets is a gap between groups.

    Raises:
        UsageError: fairlearn is not installed.
    """

    def __init__(self, task: TrainingTask) -> None:
        if not is_installed():
            raise UsageError(NOT_INSTALLED)
        self.task = task

    def fit(self, problem: Problem, ledger: Ledger, policy: Policy) -> Candidates:
        """Train the grid inside the budget; each model is a candidate of its own, and none is a mixture."""
        return reduce(
            problem,
            self.task,
            ledger,
            lambda: NetworkLearner(self.task, problem, ledger, policy),
            _walk,
            most=POINTS,
            title="grid search",
            mixed=False,
        )


def _walk(learner: Any, moment: Any, rows: NDArray[np.int64], y: NDArray[np.int64], groups: NDArray[np.int64]) -> None:
    from fairlearn.reductions import GridSearch

    GridSearch(learner, moment, grid_size=POINTS).fit(rows, y, sensitive_features=groups)
