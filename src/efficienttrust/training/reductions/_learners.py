"""Base learners of a reduction: what is trained on relabelled rows."""

from __future__ import annotations

import dataclasses
from typing import Any, Protocol

from efficienttrust.atats import Policy
from efficienttrust.compression import NetworkScorer, TreeScorer
from efficienttrust.data import Problem
from efficienttrust.evaluation.choice import calibration_rows, rows_scored
from efficienttrust.evaluation.group_head import Head
from efficienttrust.resources import Ledger
from efficienttrust.threats.catalogue.coordinate import PASSES
from efficienttrust.threats.catalogue.pgd import SHORT_PASSES
from efficienttrust.training._boosting import CALIBRATION_FACTOR, Growth, MakeEnsemble
from efficienttrust.training._ground import ground_of
from efficienttrust.training._levers import lever_of
from efficienttrust.training._monitor import Monitor
from efficienttrust.training._several import train_network, with_widths
from efficienttrust.training._trainer import TrainingTask
from efficienttrust.training.catalogue.lightgbm import LightGBMTrees, is_installed
from efficienttrust.training.catalogue.network import LIGHT_SEARCH
from efficienttrust.training.catalogue.trees import HistogramTrees

ALL_ROWS = 1_000_000
ROWS_OF_TREES = 6000  # a forest takes as long to decide tens of thousands of rows as to grow


TRAININGS = 8  # of a reduction, about: by it the width is chosen


class Learner(Protocol):
    """Fits one model after another, each inside the ledger's present limit.

    Attributes:
        what: Text for reports.
        most_rows: Training rows that the game is played on at most, as each model decides all of them.
    """

    what: str
    most_rows: int

    def fit(self, problem: Problem, name: str) -> NetworkScorer | TreeScorer:
        """Fit a model to the labels and weights of a problem; raises `InfeasibleError` where the limit is too near."""
        ...

    def calibration_cost(self, problem: Problem, scorer: Any, head: Head | None) -> float:
        """Measure what calibrating a scorer will cost, on the declared clock; measuring is charged."""
        ...


class NetworkLearner:
    """Trains an `mlp` by our loop, under the policy of the run, to the robustness targets alone.

    Args:
        task: The task of the run.
        problem: The problem of the run.
        ledger: The account.
        policy: Who steers each training.
    """

    most_rows = ALL_ROWS

    def __init__(self, task: TrainingTask, problem: Problem, ledger: Ledger, policy: Policy) -> None:
        self._whole, self._ledger, self._policy = with_widths(problem, task, ledger, TRAININGS), ledger, policy
        robust = tuple(target for target in task.targets if lever_of(target) == "robustness")
        self._task = dataclasses.replace(self._whole, targets=robust)
        widths = tuple(self._whole.options.get("widths", ()))
        self.what = ("mlp " + "-".join(map(str, widths))) if widths else "linear"

    def fit(self, problem: Problem, name: str) -> NetworkScorer:
        """Train one network and return what it is after the last step."""
        found = train_network(problem, self._task, self._ledger, self._policy, name).members[0].scorer
        assert isinstance(found, NetworkScorer)
        return found

    def calibration_cost(self, problem: Problem, scorer: NetworkScorer, head: Head | None) -> float:
        """Take one look, which is a small calibration, and scale it up as the network trainer does."""
        ledger, task = self._ledger, self._whole
        if ledger.clock == "flops":
            return 2.0 * scorer.n_parameters * rows_scored(problem, task.targets, SHORT_PASSES)
        before = ledger.used()
        with ledger.phase("monitor"):
            monitor = Monitor(problem, task.targets, head, aware=task.aware, seed=task.seed)
            monitor.look(scorer, monitor.score(scorer), guard=False)
        rows = calibration_rows(problem) / max(monitor.n_rows, 1)
        return (ledger.used() - before) * max(rows, 1.0) * LIGHT_SEARCH


class TreesLearner:
    """Grows boosted trees until the loss on relabelled monitor rows stops falling; LightGBM's where it is installed.

    Args:
        task: The task of the run.
        ledger: The account.
    """

    most_rows = ROWS_OF_TREES

    def __init__(self, task: TrainingTask, ledger: Ledger) -> None:
        self._task, self._ledger = task, ledger
        self._make: MakeEnsemble = LightGBMTrees if is_installed() else HistogramTrees
        self.what = "gradient-boosted trees"

    def fit(self, problem: Problem, name: str) -> TreeScorer:
        """Grow one forest."""
        del name
        ground = ground_of(problem)
        forest = Growth(
            self._make(ground, self._task.seed),
            ground,
            problem.splits["monitor"],
            self._ledger,
            exceeded=self._task.exceeded,
            tell=self._task.on_progress,
        ).run()
        return forest.scorer

    def calibration_cost(self, problem: Problem, scorer: TreeScorer, head: Head | None) -> float:
        """Score the monitor split once, and scale that up to the rows that calibration scores."""
        del head
        ledger = self._ledger
        scored = rows_scored(problem, self._task.targets, _ends(problem))
        if ledger.clock == "flops":
            return 2.0 * scorer.n_parameters * scored
        before, rows = ledger.used(), problem.splits["monitor"].x
        with ledger.phase("monitor"):
            scorer.score(rows)
        return CALIBRATION_FACTOR * (ledger.used() - before) * scored / max(len(rows), 1)


def _ends(problem: Problem) -> int:
    """Return what the search for the worst point of a row asks a forest."""
    return 2 * len(problem.domain.lower) * PASSES + 1
