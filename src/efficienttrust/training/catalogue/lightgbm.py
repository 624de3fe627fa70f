"""Trees by LightGBM (Ke et al. 2017), with the settings of `trees`; an extra, and several times faster."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from efficienttrust.atats import Policy
from efficienttrust.compression import TreeScorer, tree_scorer_of_lightgbm
from efficienttrust.data import Problem
from efficienttrust.errors import UsageError
from efficienttrust.resources import Ledger
from efficienttrust.training._boosting import COLUMN_SHARE, L2, LEARNING_RATE, LEAVES, fit_trees
from efficienttrust.training._trainer import Candidates, TrainingTask, trainers


class LightGBMTrees:
    """Trees that LightGBM grows on one thread.

    Args:
        x: [n, d] rows.
        y: [n] labels 0 and 1.
        weight: [n] sample weights, or None.
        seed: Seed of the columns that a node may split on.
    """

    def __init__(
        self, x: NDArray[np.float32], y: NDArray[np.integer], weight: NDArray[np.float32] | None, seed: int
    ) -> None:
        import lightgbm

        settings = {
            "objective": "binary",
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
        rows = lightgbm.Dataset(x, y, weight=weight, params=settings, free_raw_data=True)
        self._model = lightgbm.Booster(settings, rows)

    def grow(self, n_trees: int) -> TreeScorer:
        """Add trees and return all that there are; fewer are added where nothing is left to split."""
        for _ in range(n_trees):
            if self._model.update():
                break
        return tree_scorer_of_lightgbm(self._model)


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
