"""Exponentiated gradient (Agarwal et al. 2018) by fairlearn, over boosted trees."""

from __future__ import annotations

from efficienttrust.atats import Policy
from efficienttrust.data import Problem
from efficienttrust.errors import UsageError
from efficienttrust.resources import Ledger
from efficienttrust.training._trainer import Candidates, TrainingTask, trainers
from efficienttrust.training.catalogue.exponentiated_gradient import MODELS, NOT_INSTALLED, play
from efficienttrust.training.reductions import TreesLearner, is_installed, reduce


@trainers.register("exponentiated_gradient_trees")
class ExponentiatedGradientTreesTrainer:
    """Grows up to `MODELS` forests as fairlearn's game asks; the policy is not asked, as trees have no dial.

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
            lambda: TreesLearner(self.task, ledger),
            play,
            most=MODELS,
            title="exponentiated gradient",
            mixed=True,
        )
