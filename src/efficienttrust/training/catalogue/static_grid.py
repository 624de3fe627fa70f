"""A grid of fixed settings: what people do in place of a scheduler, at the same total budget."""

from __future__ import annotations

from efficienttrust.atats import Policy
from efficienttrust.data import Problem
from efficienttrust.resources import Ledger
from efficienttrust.training._settings_search import POINTS, SettingsSearch, points_for
from efficienttrust.training._several import with_widths
from efficienttrust.training._trainer import Candidates, TrainingTask, trainers


@trainers.register("static_grid")
class StaticGridTrainer:
    """Trains a network at each point of a grid over lambda_fair and the adversarial share, in equal shares.

    The point with the best calibrated objective on the monitor split comes first; the choice on the calibrate split
    keeps it unless another is clearly better. The policy of the run is not asked.

    Args:
        task: What to train for.
    """

    def __init__(self, task: TrainingTask) -> None:
        self.task = task

    def fit(self, problem: Problem, ledger: Ledger, policy: Policy) -> Candidates:
        """Train all points inside the budget.

        Raises:
            InfeasibleError: The share of a point buys no step.
        """
        del policy
        task = with_widths(problem, self.task, ledger, trainings=POINTS)
        search = SettingsSearch(problem, task, ledger)
        return search.candidates(search.train(points_for(task.targets, problem.task), lambda: search.end))
