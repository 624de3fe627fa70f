"""Exponentiated gradient (Agarwal et al. 2018) by fairlearn, over networks that our loop trains."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.atats import Policy
from efficienttrust.data import Problem
from efficienttrust.errors import UsageError
from efficienttrust.resources import Ledger
from efficienttrust.training._trainer import Candidates, TrainingTask, trainers
from efficienttrust.training.reductions import NetworkLearner, is_installed, reduce

MODELS = 12  # that share the budget; an iteration asks for one to five
ITERATIONS = 50  # at most: models run out long before
NOT_INSTALLED = "fairlearn is not installed: pip install 'efficienttrust[baselines]'"


@trainers.register("exponentiated_gradient")
class ExponentiatedGradientTrainer:
    """Trains up to `MODELS` networks as fairlearn's game asks; the policy steers each of them.

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
        """Play the game inside the budget; return the blend of its mixture and the members of it."""
        return reduce(
            problem,
            self.task,
            ledger,
            lambda: NetworkLearner(self.task, problem, ledger, policy),
            play,
            most=MODELS,
            title="exponentiated gradient",
            mixed=True,
        )


def play(learner: Any, moment: Any, rows: NDArray[np.int64], y: NDArray[np.int64], groups: NDArray[np.int64]) -> None:
    """Let fairlearn play the game to its end."""
    from fairlearn.reductions import ExponentiatedGradient

    ExponentiatedGradient(learner, moment, max_iter=ITERATIONS).fit(rows, y, sensitive_features=groups)
