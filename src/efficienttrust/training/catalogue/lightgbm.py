"""Trees by LightGBM (Ke et al. 2017), with the settings of `trees`; an extra, and several times faster."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np

from efficienttrust.atats import Policy
from efficienttrust.compression import TreeScorer, tree_scorer_of_lightgbm
from efficienttrust.data import Problem
from efficienttrust.errors import UsageError
from efficienttrust.resources import Ledger
from efficienttrust.training._boosting import COLUMN_SHARE, L2, LEARNING_RATE, LEAVES, fit_trees
from efficienttrust.training._ground import Ground
from efficienttrust.training._rounds import joined
from efficienttrust.training._trainer import Candidates, TrainingTask, trainers


class LightGBMTrees:
    """Trees that LightGBM grows on one thread.

    Args:
        ground: The training rows.
        seed: Seed of the columns that a node may split on.
    """

    def __init__(self, ground: Ground, seed: int) -> None:
        import lightgbm

        settings: dict[str, Any] = {
            "objective": ground.task,
            "learning_rate": LEARNING_RATE,
            "num_leaves": LEAVES,
            "feature_fraction_bynode": COLUMN_SHARE,
            "lambda_l2": L2,
            "seed": seed,
            "num_threads": 1,
            "deterministic": True,
            "force_col_wise": True,  # the layout is otherwise chosen by a race
            "verbosity": -1,
        }
        if ground.task == "multiclass":
            settings["num_class"] = ground.outputs
        # Labels become float32, and so do leaves: far from 0 both would lose what lies between two labels.
        self._mean = np.average(ground.y, weights=ground.weight) if ground.task == "regression" else 0.0
        y = ground.y - self._mean
        rows = lightgbm.Dataset(ground.x, y, weight=ground.weight, params=settings, free_raw_data=True)
        self._model = lightgbm.Booster(settings, rows)
        self._trees: TreeScorer | None = None

    def grow(self, rounds: int) -> TreeScorer:
        """Add rounds of trees and return all that there are; fewer are added where nothing is left to split."""
        for _ in range(rounds):
            if self._model.update():
                break
        if self._trees is None:
            trees = tree_scorer_of_lightgbm(self._model)
            self._trees = replace(trees, baseline=trees.baseline + self._mean)
        else:  # thousands of trees are written out as text for seconds, so only the new ones are
            self._trees = joined(self._trees, tree_scorer_of_lightgbm(self._model, self._trees.rounds))
        return self._trees


@trainers.register("lightgbm")
class LightGBMTrainer:
    """Grows LightGBM's trees stage by stage; the policy is not asked, as there is no dial.

    Args:
        task: What to train for.

    Raises:
        UsageError: LightGBM is not installed.
    """

    def __init__(self, task: TrainingTask) -> None:
        if not is_installed():
            raise UsageError("lightgbm is not installed: pip install 'efficienttrust[lightgbm]', or choose trees")
        self.task = task

    def fit(self, problem: Problem, ledger: Ledger, policy: Policy) -> Candidates:
        """Grow trees until the loss on the monitor split stops falling, a limit is reached or the budget ends."""
        return fit_trees(problem, self.task, ledger, LightGBMTrees, "LightGBM")


def is_installed() -> bool:
    """Return whether LightGBM can be imported here."""
    return find_spec("lightgbm") is not None
