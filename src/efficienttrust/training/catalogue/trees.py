"""Trees by scikit-learn's histogram gradient boosting, what a practitioner would use instead of a network.

Two classes have one forest, more have one each under the softmax loss, and a number has one under the squared error.
They have no lever for robustness or fairness in training; calibration, choice and verdicts are the same code as for the
network.
"""

from __future__ import annotations

from efficienttrust.atats import Policy
from efficienttrust.compression import TreeScorer
from efficienttrust.data import Problem
from efficienttrust.resources import Ledger
from efficienttrust.training._boosting import COLUMN_SHARE, L2, LEARNING_RATE, LEAVES, fit_trees
from efficienttrust.training._ground import Ground
from efficienttrust.training._trainer import Candidates, TrainingTask, trainers


class HistogramTrees:
    """Trees that scikit-learn grows.

    Args:
        ground: The training rows.
        seed: Seed of the columns that a node may split on.
    """

    def __init__(self, ground: Ground, seed: int) -> None:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        self._ground = ground
        kind = HistGradientBoostingRegressor if ground.task == "regression" else HistGradientBoostingClassifier
        self._model = kind(
            max_iter=0,
            learning_rate=LEARNING_RATE,
            max_leaf_nodes=LEAVES,
            max_features=COLUMN_SHARE,
            l2_regularization=L2,
            warm_start=True,
            early_stopping=False,
            random_state=seed,
        )

    def grow(self, rounds: int) -> TreeScorer:
        """Add rounds of trees and return all that there are."""
        self._model.max_iter += rounds
        self._model.fit(self._ground.x, self._ground.y, sample_weight=self._ground.weight)
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
