"""What all trainers over fairlearn's reductions share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from efficienttrust.atats import Policy
from efficienttrust.data import Problem
from efficienttrust.errors import UsageError
from efficienttrust.resources import Ledger
from efficienttrust.training._trainer import Candidates, TrainingTask
from efficienttrust.training.reductions._constraint import is_installed
from efficienttrust.training.reductions._learners import Learner, NetworkLearner
from efficienttrust.training.reductions._reduce import reduce

NOT_INSTALLED = "fairlearn is not installed: pip install 'efficienttrust[baselines]'"


class ReductionTrainer(ABC):
    """Lets fairlearn say how rows are weighted and labelled, and trains a model each time it asks.

    Args:
        task: What to train for; one of its targets is a gap between groups.

    Attributes:
        most: Models that share the budget.
        title: What the reduction is called in reports.
        mixed: Whether its models are blended as a mixture.

    Raises:
        UsageError: fairlearn is not installed.
    """

    most: ClassVar[int]
    title: ClassVar[str]
    mixed: ClassVar[bool]

    def __init__(self, task: TrainingTask) -> None:
        if not is_installed():
            raise UsageError(NOT_INSTALLED)
        self.task = task

    def fit(self, problem: Problem, ledger: Ledger, policy: Policy) -> Candidates:
        """Let the reduction ask for models inside the budget; return them, and the blend of a mixture."""
        return reduce(
            problem,
            self.task,
            ledger,
            lambda: self.learner(problem, ledger, policy),
            self.play,
            most=self.most,
            title=self.title,
            mixed=self.mixed,
        )

    def learner(self, problem: Problem, ledger: Ledger, policy: Policy) -> Learner:
        """Return what trains one model: a network, which the policy steers."""
        return NetworkLearner(self.task, problem, ledger, policy)

    @staticmethod
    @abstractmethod
    def play(
        learner: Any, moment: Any, rows: NDArray[np.int64], y: NDArray[np.int64], groups: NDArray[np.int64]
    ) -> None:
        """Let fairlearn ask the learner for models until it is done."""
