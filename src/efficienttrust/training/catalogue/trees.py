"""Trees by scikit-learn's histogram gradient boosting, what a practitioner would use instead of a network.

They have no lever for robustness or fairness in training; calibration, choice and verdicts are the same code as for the
network.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from efficienttrust.atats import Policy
from efficienttrust.compression import TreeScorer
from efficienttrust.data import Problem
from efficienttrust.resources import Ledger
from efficienttrust.training._boosting import COLUMN_SHARE, L2, LEARNING_RATE, LEAVES, fit_trees
from efficienttrust.training._trainer import Candidates, TrainingTask, trainers


class HistogramTrees:
    """Trees that scikit-learn grows.

    Args:
        x: [n, d] rows.
        y: [n] labels 0 and 1.
        weight: [n] sample weights, or None.
        seed: Seed of the columns that a node may split on.
    """

    def __init__(
        self, x: NDArray[np.float32], y: NDArray[np.integer], weight: NDArray[np.float32] | None, seed: int
    ) -> None:
        from sklearn.ensemble import HistGradientBoostingClassifier

        self._rows = x, y, weight
        self._model = HistGradientBoostingClassifier(
            max_iter=0,
            learning_rate=LEARNING_RATE,
            max_leaf_nodes=LEAVES,
            max_features=COLUMN_SHARE,
            l2_regularization=L2,
            warm_start=True,
            early_stopping=False,
            random_state=seed,
        )

    def grow(self, n_trees: int) -> TreeScorer:
        """Add trees and return all that there are."""
        x, y, weight = self._rows
        self._model.max_iter += n_trees
        self._model.fit(x, y, sample_weight=weight)
        return TreeScorer.from_sklearn(self._model)


@trainers.register("trees")
class TreeTrainer:
    """Grows boosted trees stage by stage; the policy is not asked, as there is no dial.

    Args:
        task: What to train for.
    """

    def __init__(self, task: TrainingTask) -> None:
        self.task = task

    def fit(self, problem: Problem, ledger: Ledger, policy: Policy) -> Candidates:
        """Grow trees until the loss on the monitor split stops falling, a limit is reached or the budget ends."""
        return fit_trees(problem, self.task, ledger, HistogramTrees, "scikit-learn")
