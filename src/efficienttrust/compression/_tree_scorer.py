"""Boosted trees as the float parent of an exported file: one forest, or one for each class, as frozen numpy arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

Floats = npt.NDArray[np.float32]
Codes = npt.NDArray[np.int64]

_ROWS_AT_ONCE = 2048  # walked through all trees together
_CELLS_AT_ONCE = 2**21  # rows x trees: bounds memory where there is a forest for each of many classes
_LOGARITHMS = ("gamma", "poisson")  # losses of scikit-learn whose trees sum to the logarithm of the prediction


@dataclass(frozen=True, eq=False)
class TreeScorer:
    """Sums of binary trees over the encoded row, in one set of node arrays.

    There is a forest for each of K outputs: a logit, the logits of K classes, or a number in the unit of the label.
    Trees stand in rounds of K: tree t belongs to output t mod K, and z[k] = baseline[k] + the sum of its leaf values. A
    row goes left at a node when `x[feature] <= threshold`, in float32. A leaf is its own left and right child.

    Attributes:
        roots: Node number of each tree's root, int64 [rounds x K].
        feature: Feature that a node looks at, int64 [nodes]; 0 at leaves.
        threshold: Largest float32 that goes left, float32 [nodes].
        left: Node number of the left child, int64 [nodes].
        right: Node number of the right child, int64 [nodes].
        value: Value of a leaf, float32 [nodes]; 0 at inner nodes.
        depth: Steps from a root to the deepest leaf.
        baseline: What z is before any tree is added, float64 [K]; a single number is taken for K = 1.
        n_features: Width of the encoded row it takes.
    """

    roots: Codes
    feature: Codes
    threshold: Floats
    left: Codes
    right: Codes
    value: Floats
    depth: int
    baseline: npt.NDArray[np.float64]
    n_features: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "baseline", np.array(self.baseline, dtype=np.float64).reshape(-1))
        if len(self.roots) % self.outputs:
            raise ValueError(f"{len(self.roots)} trees are no whole rounds of {self.outputs}, one tree for each output")

    @property
    def outputs(self) -> int:
        """K: number of forests, each of which gives one number."""
        return len(self.baseline)

    @property
    def rounds(self) -> int:
        """Number of trees of each forest."""
        return len(self.roots) // self.outputs

    @property
    def is_leaf(self) -> npt.NDArray[np.bool_]:
        """Which nodes are leaves, bool [nodes]."""
        return np.equal(self.left, np.arange(len(self.left)))

    @property
    def n_parameters(self) -> int:
        """Number of learned values: a threshold per inner node, a value per leaf, the baseline of each forest."""
        return len(self.value) + self.outputs

    @classmethod
    def from_sklearn(cls, model: HistGradientBoostingClassifier | HistGradientBoostingRegressor) -> TreeScorer:
        """Take the trees of a model fitted on the encoded float32 matrix.

        scikit-learn compares in float64. For a float32 x, `x <= t` is the same as `x <= t32` with t32 the largest
        float32 that is not above t, so every row takes exactly the path that scikit-learn gives it.

        Args:
            model: Fitted without categorical features and without missing values.

        Returns:
            The scorer whose z is the `decision_function` of a classifier, [n] of two classes and [n, K] of more, or the
            prediction of a regressor.

        Raises:
            ValueError: The model splits on categories, or predicts the exponential of what its trees sum to.
        """
        if getattr(model, "loss", None) in _LOGARITHMS:
            raise ValueError(f"TreeScorer takes trees that sum to the prediction, not loss={model.loss!r}")
        trees = [predictor.nodes for predictors in model._predictors for predictor in predictors]
        sizes = np.array([len(tree) for tree in trees], dtype=np.int64)
        roots = np.cumsum(sizes) - sizes
        nodes = np.concatenate(trees)
        if nodes["is_categorical"].any():
            raise ValueError("TreeScorer takes trees on the encoded matrix, without native categorical splits")
        leaf = nodes["is_leaf"].astype(bool)
        own = np.arange(len(nodes), dtype=np.int64)
        shift = np.repeat(roots, sizes)
        return cls(
            roots=roots,
            feature=np.where(leaf, 0, nodes["feature_idx"]).astype(np.int64),
            threshold=np.where(leaf, np.float32(0), round_down(nodes["num_threshold"])),
            left=np.where(leaf, own, nodes["left"].astype(np.int64) + shift),
            right=np.where(leaf, own, nodes["right"].astype(np.int64) + shift),
            value=np.where(leaf, nodes["value"], 0.0).astype(np.float32),
            depth=int(nodes["depth"].max()),
            baseline=np.asarray(model._baseline_prediction),
            n_features=int(model.n_features_in_),
        )

    def score(self, rows: Floats) -> Floats:
        """Return z of encoded rows [n, d]: float32 [n] of one forest, [n, K] of more."""
        step = max(1, min(_ROWS_AT_ONCE, _CELLS_AT_ONCE // max(len(self.roots), 1)))
        parts = [self._walk(rows[start : start + step]) for start in range(0, len(rows), step)]
        z = np.concatenate(parts) if parts else np.zeros((0, self.outputs), dtype=np.float32)
        return z[:, 0] if self.outputs == 1 else z

    def _walk(self, x: Floats) -> Floats:
        row = np.arange(len(x))[:, None]
        node = np.broadcast_to(self.roots, (len(x), len(self.roots)))
        for _ in range(self.depth):
            goes_left = x[row, self.feature[node]] <= self.threshold[node]
            node = np.where(goes_left, self.left[node], self.right[node])
        by_forest = self.value[node].reshape(len(x), self.rounds, self.outputs)
        return np.asarray(by_forest.sum(axis=1, dtype=np.float64) + self.baseline, dtype=np.float32)


def round_down(values: npt.NDArray[np.float64]) -> Floats:
    """Return the largest float32 that is not above each value."""
    with np.errstate(over="ignore"):
        nearest = values.astype(np.float32)
    above = nearest.astype(np.float64) > values
    rounded: Floats = np.where(above, np.nextafter(nearest, np.float32(-np.inf)), nearest)
    return rounded
