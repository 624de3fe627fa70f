"""Area under the ROC curve and its resamples, stratified by label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from efficienttrust.metrics.bootstrap import CHUNK, row_counts
from efficienttrust.metrics.values import Array, Floats


@dataclass(frozen=True, eq=False)
class Ranking:
    """Scores sorted once, so that each resample costs one pass.

    Attributes:
        below: For each positive, how many negatives score lower.
        up_to: For each positive, how many negatives score lower or the same.
        positive_weight: Weight of each positive.
        negative_weight: Weight of each negative, in ascending order of score.
    """

    below: Array
    up_to: Array
    positive_weight: Floats
    negative_weight: Floats

    @property
    def smaller_class(self) -> int:
        """Rows of the rarer label."""
        return min(len(self.positive_weight), len(self.negative_weight))

    def auc(self) -> float:
        """Return the share of (positive, negative) pairs in the right order, ties counted half."""
        return float(self._auc(self.positive_weight[None], self.negative_weight[None])[0])

    def resample(self, repeats: int, rng: np.random.Generator) -> Floats:
        """Return the areas of resamples, drawn within positives and within negatives."""
        positives, negatives = len(self.positive_weight), len(self.negative_weight)
        step = max(1, CHUNK // (positives + negatives))
        areas = []
        for start in range(0, repeats, step):
            size = min(step, repeats - start)
            drawn_positive = np.concatenate(list(row_counts(positives, size, rng)))
            drawn_negative = np.concatenate(list(row_counts(negatives, size, rng)))
            areas.append(self._auc(drawn_positive * self.positive_weight, drawn_negative * self.negative_weight))
        return np.concatenate(areas)

    def _auc(self, positive: Floats, negative: Floats) -> Floats:
        """Return the areas for weights [resamples, positives] and [resamples, negatives]."""
        mass = np.zeros((len(negative), negative.shape[1] + 1))
        np.cumsum(negative, axis=1, out=mass[:, 1:])
        right: Floats = np.einsum("bi,bi->b", positive, mass.take(self.below, axis=1))
        right += np.einsum("bi,bi->b", positive, mass.take(self.up_to, axis=1))
        area: Floats = right / (2 * positive.sum(axis=1) * mass[:, -1])
        return area


def ranking(y: Array, score: Array, weight: Array | None) -> Ranking | None:
    """Return the sorted scores, or None where one label is absent or a score is not a number."""
    positive = np.asarray(y, dtype=bool)
    if positive.all() or not positive.any() or not np.isfinite(score).all():
        return None
    w = np.ones(len(y)) if weight is None else np.asarray(weight, dtype=np.float64)
    up, down = np.argsort(score[positive], kind="stable"), np.argsort(score[~positive], kind="stable")
    positives, negatives = score[positive][up], score[~positive][down]
    return Ranking(
        below=np.searchsorted(negatives, positives, side="left"),
        up_to=np.searchsorted(negatives, positives, side="right"),
        positive_weight=w[positive][up],
        negative_weight=w[~positive][down],
    )
