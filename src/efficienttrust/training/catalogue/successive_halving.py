"""Successive halving (Jamieson and Talwalkar 2016) over the grid of fixed settings, at the same total budget."""

from __future__ import annotations

from functools import partial

from efficienttrust.atats import Policy
from efficienttrust.data import Problem
from efficienttrust.resources import Ledger
from efficienttrust.training._settings_search import POINTS, SettingsSearch, Trained, name_of, points_for
from efficienttrust.training._several import with_widths
from efficienttrust.training._trainer import Candidates, TrainingTask, trainers

KEPT = 3  # one of so many goes on to the next round


@trainers.register("successive_halving")
class SuccessiveHalvingTrainer:
    """Trains all points of the grid for a little, the best third for longer, and so on to the last one.

    Every round has the same part of the budget. Differs from the paper in that a round trains anew, as the learning
    rate falls to zero over each training: a longer one does not go on from a shorter one.

    Args:
        task: What to train for.
    """

    def __init__(self, task: TrainingTask) -> None:
        self.task = task

    def fit(self, problem: Problem, ledger: Ledger, policy: Policy) -> Candidates:
        """Train all rounds inside the budget; the last training comes first, then the others of the last rounds.

        Raises:
            InfeasibleError: The share of a point buys no step.
        """
        del policy
        task = with_widths(problem, self.task, ledger, trainings=POINTS)
        search = SettingsSearch(problem, task, ledger)
        points = points_for(task.targets, problem.task)
        rounds, left = 1, len(points)
        while left > 1:
            rounds, left = rounds + 1, max(1, left // KEPT)
        order: list[Trained] = []
        for left in range(rounds, 0, -1):
            start = ledger.used()
            best = search.train(points, partial(_end_of_round, search, start, left))
            if not best:  # the budget ended in this round: what earlier ones found remains
                break
            order = best + [one for one in order if one.name not in {two.name for two in best}]
            names = [one.name for one in best[: max(1, len(best) // KEPT)]]
            points = [point for name in names for point in points if name_of(point) == name]
        return search.candidates(order)


def _end_of_round(search: SettingsSearch, start: float, left: int) -> float:
    """Return up to what a round may be used that began at `start`, with so many rounds left, itself among them."""
    return start + (search.end - start) / left
