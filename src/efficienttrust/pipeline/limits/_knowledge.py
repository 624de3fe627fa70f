"""What the rows of a problem are known to allow, or estimated to; each computed at its first use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data import Problem, Split
from efficienttrust.theory import (
    Attribute,
    Bound,
    Constraint,
    EstimatedFrontier,
    Gaps,
    HeldOutScores,
    estimated_frontier,
    held_out_scores,
)

FOLDS = 3
"""Of the rows that models score: five sharpen the log loss on Adult by 0.0007, and cost twice as much."""

PENALTIES = (1e-4, 1e-3, 1e-2, 0.1)  # of the squared weights, per row

CONSTRAINTS: Mapping[str, tuple[Constraint, Gaps]] = {
    "demographic_parity_difference": ("dp", "mean"),
    "equal_opportunity_difference": ("eopp", "mean"),
    "equalized_odds_difference": ("eo", "mean"),
    "equalized_odds_difference_max": ("eo", "max"),
}
"""Metric of a gap -> the constraint of the frontier that bounds it."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predictions of the rows of the calibrate split by a model of the train split; n rows.

    Attributes:
        part: The split.
        y: [n] labels.
        predicted: [n] predictions.
        weight: [n] weights.
        half_width: Half the 95 % interval of the mean squared error.
        model: What predicted.
    """

    part: Split
    y: NDArray[np.float64]
    predicted: NDArray[np.float64]
    weight: NDArray[np.float64]
    half_width: float
    model: str


class Knowledge:
    """Bounds and estimates of one problem.

    Args:
        problem: The problem.
        aware: Whether the true group is used at prediction.
        seed: Seed of the folds and of the bootstrap.
    """

    def __init__(self, problem: Problem, *, aware: bool, seed: int) -> None:
        self._problem, self._aware, self._seed = problem, aware, seed
        self._scores: dict[str, HeldOutScores] = {}
        self._frontiers: dict[tuple[str, str, tuple[float, ...]], EstimatedFrontier] = {}

    def frontier(self, metric: str, by: str, deltas: tuple[float, ...]) -> EstimatedFrontier:
        """Return the estimated frontier of accuracy under a gap, of a table of two classes.

        Args:
            metric: The gap, of `CONSTRAINTS`.
            by: Sensitive attribute; empty for the intersections.
            deltas: Gaps, rising.
        """
        if (metric, by, deltas) not in self._frontiers:
            constraint, gaps = CONSTRAINTS[metric]
            one_group = not self._problem.sensitive
            attribute: Attribute = "aware" if self._aware or one_group else "blind"
            if by not in self._scores:
                self._scores[by] = held_out_scores(
                    self._problem, by=by, attribute=attribute, folds=FOLDS, seed=self._seed
                )
            self._frontiers[metric, by, deltas] = estimated_frontier(
                self._scores[by], constraint=constraint, deltas=deltas, attribute=attribute, gaps=gaps, seed=self._seed
            )
        return self._frontiers[metric, by, deltas]

    @cached_property
    def linear_models(self) -> list[tuple[NDArray[np.float64], float]]:
        """Weights and bias of linear models of two classes, fitted on train under penalties from weak to strong."""
        import warnings

        from sklearn.linear_model import LogisticRegression

        train = self._problem.splits["train"]
        found = []
        for strength in PENALTIES:
            model = LogisticRegression(C=1 / (strength * len(train)), max_iter=200)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # any weights will do: what counts is what they are measured to reach
                model.fit(train.x, train.y, sample_weight=train.weight)
            found.append((model.coef_[0].astype(np.float64), float(model.intercept_[0])))
        return found

    @cached_property
    def best_predictions(self) -> Predictions:
        """Predictions of a regression by boosted trees."""
        from sklearn.ensemble import HistGradientBoostingRegressor

        train, part = self._problem.splits["train"], self._problem.splits["calibrate"]
        model = HistGradientBoostingRegressor(early_stopping=False, random_state=self._seed)
        model.fit(train.x, train.y, sample_weight=train.weight)
        y, predicted = part.y.astype(np.float64), np.asarray(model.predict(part.x), dtype=np.float64)
        weight = np.ones(len(y)) if part.weight is None else part.weight.astype(np.float64)
        half = 1.96 * float(((y - predicted) ** 2).std()) / np.sqrt(len(y))
        return Predictions(part, y, predicted, weight, half, "boosted trees")

    @cached_property
    def most_right(self) -> Bound | None:
        """The highest accuracy on the test rows, as rows that are read alike get one answer; None for a regression."""
        if self._problem.task == "regression":
            return None
        part = self._problem.splits["test"]
        alike = self._alike()
        weight = np.ones(len(part)) if part.weight is None else part.weight.astype(np.float64)
        _, labels = np.unique(part.y, return_inverse=True)
        votes = np.zeros((int(alike.max(initial=-1)) + 1, int(labels.max(initial=-1)) + 1))
        np.add.at(votes, (alike, labels), weight)
        mixed = (votes > 0).sum(axis=1) > 1
        return Bound(
            float(votes.max(axis=1).sum() / weight.sum()),
            "upper",
            ("a model says the same of rows that it reads alike", "it decides without chance"),
            "one decision per distinct row; T13 with eps = 0",
            {"n": len(part), "contradictory": int(mixed[alike].sum())},
        )

    def _alike(self) -> NDArray[np.int64]:
        """Return a number per test row, the same for rows that every model reads alike."""
        from pandas.util import hash_pandas_object

        part = self._problem.splits["test"]
        if part.pixels is None:
            read = self._problem.raw("test")
            kept = [name for name in read if self._aware or name not in self._unread]
            hashed = hash_pandas_object(read[kept], index=False).to_numpy()
        else:
            import hashlib

            digests = [hashlib.sha256(part.inputs(slice(i, i + 1)).tobytes()).digest()[:8] for i in range(len(part))]
            hashed = np.frombuffer(b"".join(digests), dtype=np.uint64)
        return np.unique(hashed, return_inverse=True)[1].astype(np.int64)

    @property
    def _unread(self) -> set[str]:
        """Sensitive columns that no model reads unless it is group-aware."""
        return set(self._problem.sensitive) - {column.name for column in self._problem.columns}
