"""Searches over fixed settings of the dials: the points of a grid, and trainings of them in parts of a budget."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from efficienttrust.atats import DecisionRecord, make_policy
from efficienttrust.data import Problem
from efficienttrust.errors import InfeasibleError
from efficienttrust.evaluation.rule_data import PENALTY
from efficienttrust.evaluation.targets import Target
from efficienttrust.resources import Ledger
from efficienttrust.training._levers import levers_of
from efficienttrust.training._several import end_of_training, named_rows, none_fits, share_of, train_network
from efficienttrust.training._trainer import Candidate, Candidates, TrainingTask

POINTS = 12
LAMBDAS, SHARES = (0.0, 0.25, 0.5, 1.0), (0.0, 0.5, 1.0)
HIGHEST = 4.0  # lambda of a grid over it alone


@dataclass(frozen=True, eq=False)
class Trained:
    """A point of the grid after a training.

    Attributes:
        name: The settings as text.
        found: What its training left behind.
        objective: Utility less `PENALTY` × violation at its last look: on the monitor split, virtually calibrated.
        cost: What the training cost, on the declared clock.
    """

    name: str
    found: Candidates
    objective: float
    cost: float


def points_for(targets: Sequence[Target], task: str) -> list[tuple[float, float]]:
    """Return (lambda_fair, adversarial_share) of `POINTS` points, along the dials that the targets call for.

    Without a target that a dial moves there is one point.
    """
    levers = levers_of(targets, task)
    if levers.penalties and levers.eps > 0:
        return [(weight, share) for weight in LAMBDAS for share in SHARES]
    if levers.penalties:
        ratio = (HIGHEST / 0.1) ** (1 / (POINTS - 2))
        return [(0.0, 0.0), *((0.1 * ratio**k, 0.0) for k in range(POINTS - 1))]
    if levers.eps > 0:
        return [(0.0, k / (POINTS - 1)) for k in range(POINTS)]
    return [(0.0, 0.0)]


def name_of(point: tuple[float, float]) -> str:
    """Return the policy of a point as text."""
    return f"static(lambda_fair={point[0]:.4g}, adversarial_share={point[1]:.4g})"


class SettingsSearch:
    """Trains points of the grid on one account.

    Args:
        problem: The problem.
        task: The task.
        ledger: The account.
    """

    def __init__(self, problem: Problem, task: TrainingTask, ledger: Ledger) -> None:
        self._problem, self._task, self._ledger = problem, task, ledger
        self._calibration, self._start = math.inf, ledger.used()
        self.trained: list[Trained] = []
        self.said: list[str] = []
        self.history: list[dict[str, Any]] = []

    @property
    def end(self) -> float:
        """What may be used up to the end of the last training, on the declared clock."""
        return end_of_training(self._task, self._ledger, self._calibration, self._start)

    def train(self, points: Sequence[tuple[float, float]], end: Callable[[], float]) -> list[Trained]:
        """Train points one after another, each in its share up to an end; one whose share is too small is left out.

        Args:
            points: The points.
            end: Asked before each: what may be used up to the end of the last, on the declared clock.

        Returns:
            What was trained, in the order of the objective, the best first.

        Raises:
            InfeasibleError: Not one fits, here or before.
        """
        done: list[Trained] = []
        for position, point in enumerate(points):
            name, before = name_of(point), self._ledger.used()
            try:
                with share_of(self._ledger, end(), len(points) - position):
                    found = train_network(self._problem, self._task, self._ledger, make_policy(name), name)
            except InfeasibleError as error:
                self.said.append(f"{name} was not trained: {error}")
                if position == len(points) - 1 and not done and not self.trained:
                    raise none_fits(error, len(points)) from error
                continue
            self._calibration = found.calibration_cost
            self.history += named_rows(found.history, name, self._ledger)
            done.append(Trained(name, found, _objective(found, self._task.targets), self._ledger.used() - before))
        self.trained += done
        return sorted(done, key=lambda one: -one.objective)

    def candidates(self, order: Sequence[Trained]) -> Candidates:
        """Return the last network of each training, the first of them preferred."""
        best = order[0].found
        decisions = [
            DecisionRecord(0, 0.0, "setting", "", one.name, f"objective {one.objective:.4f} on monitor", one.cost)
            for one in self.trained
        ]
        return Candidates(
            members=tuple(
                Candidate(one.name, one.found.members[0].scorer, f"objective {one.objective:.4f} on monitor",
                          one.found.architecture)
                for one in order
            ),
            architecture=best.architecture,
            head=best.head,
            history=tuple(self.history),
            decisions=tuple(decisions),
            fallbacks=(*self.said, *best.fallbacks),
            trained=(f"{len(self.trained)} trainings at fixed settings inside the budget", *best.trained),
            calibration_cost=best.calibration_cost,
            export_cost=best.export_cost,
            projection=best.projection,
            means=best.means,
        )  # fmt: skip


def _objective(found: Candidates, targets: Sequence[Target]) -> float:
    """Return the objective of the last look; a target that it could not estimate counts as met."""
    row = found.history[-1]
    utility = next(value for key, value in row.items() if key in ("accuracy (calibrated)", "r2 (calibrated)"))
    gaps = [target.gap(row.get(f"{target.key} (calibrated)", math.nan)) for target in targets]
    return float(utility) - PENALTY * sum(max(gap, 0.0) for gap in gaps if not math.isnan(gap))
