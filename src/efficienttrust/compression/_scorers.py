"""The float parents: what turns an encoded row into the logit z, as frozen numpy arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from efficienttrust.compression._module_scorer import ModuleScorer

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

Floats = npt.NDArray[np.float32]
Codes = npt.NDArray[np.int64]

_TREE_CHUNK = 2048  # rows walked through all trees at once: bounds memory to chunk x trees


@dataclass(frozen=True, eq=False)
class NetworkScorer:
    """A multilayer perceptron with ReLU between its layers; the last layer has one output, the logit z.

    Attributes:
        layers: One `(W [in, out], b [out])` per layer, kept as float32 copies (a live torch parameter may be given
            without fear). A single layer is a linear model.
    """

    layers: tuple[tuple[Floats, Floats], ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple((frozen(weight), frozen(bias)) for weight, bias in self.layers))
        if not self.layers:
            raise ValueError("a network needs at least one layer")
        for k, (weight, bias) in enumerate(self.layers):
            if weight.ndim != 2 or bias.shape != (weight.shape[1],):
                raise ValueError(
                    f"layer {k}: weight {weight.shape} and bias {bias.shape} do not fit, want [in, out], [out]"
                )
            if k and self.layers[k - 1][0].shape[1] != weight.shape[0]:
                raise ValueError(f"layer {k} takes {weight.shape[0]} values, layer {k - 1} gives others")
        if self.layers[-1][0].shape[1] != 1:
            raise ValueError(f"the last layer must have one output, has {self.layers[-1][0].shape[1]}")

    @property
    def n_features(self) -> int:
        """Width of the encoded row it takes."""
        return int(self.layers[0][0].shape[0])

    @property
    def n_parameters(self) -> int:
        """Number of weights and biases."""
        return sum(weight.size + bias.size for weight, bias in self.layers)


@dataclass(frozen=True, eq=False)
class TreeScorer:
    """A sum of binary trees over the encoded row, in one set of node arrays; z = baseline + sum of leaf values.

    A row goes left at a node when `x[feature] <= threshold`, in float32. A leaf is its own left and right child.

    Attributes:
        roots: Node number of each tree's root, int64 [trees].
        feature: Feature that a node looks at, int64 [nodes]; 0 at leaves.
        threshold: Largest float32 that goes left, float32 [nodes].
        left: Node number of the left child, int64 [nodes].
        right: Node number of the right child, int64 [nodes].
        value: Value of a leaf, float32 [nodes]; 0 at inner nodes.
        depth: Steps from a root to the deepest leaf.
        baseline: What z is before any tree is added.
        n_features: Width of the encoded row it takes.
    """

    roots: Codes
    feature: Codes
    threshold: Floats
    left: Codes
    right: Codes
    value: Floats
    depth: int
    baseline: float
    n_features: int

    @property
    def is_leaf(self) -> npt.NDArray[np.bool_]:
        """Which nodes are leaves, bool [nodes]."""
        return np.equal(self.left, np.arange(len(self.left)))

    @property
    def n_parameters(self) -> int:
        """Number of learned values: a threshold per inner node, a value per leaf, the baseline."""
        return len(self.value) + 1

    @classmethod
    def from_sklearn(cls, model: HistGradientBoostingClassifier) -> TreeScorer:
        """Take the trees of a binary classifier fitted on the encoded float32 matrix.

        scikit-learn compares in float64. For a float32 x, `x <= t` is the same as `x <= t32` with t32 the largest
        float32 that is not above t, so every row takes exactly the path that scikit-learn gives it.

        Args:
            model: Fitted on two classes, without categorical features and without missing values.

        Returns:
            The scorer whose z is the model's `decision_function`.
        """
        if model.n_trees_per_iteration_ != 1:
            raise ValueError("TreeScorer takes a binary classifier: one tree per iteration")
        trees = [predictors[0].nodes for predictors in model._predictors]
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
            threshold=np.where(leaf, np.float32(0), _round_down(nodes["num_threshold"])),
            left=np.where(leaf, own, nodes["left"].astype(np.int64) + shift),
            right=np.where(leaf, own, nodes["right"].astype(np.int64) + shift),
            value=np.where(leaf, nodes["value"], 0.0).astype(np.float32),
            depth=int(nodes["depth"].max()),
            baseline=float(np.asarray(model._baseline_prediction).reshape(-1)[0]),
            n_features=int(model.n_features_in_),
        )


Scorer = NetworkScorer | TreeScorer | ModuleScorer


def score_encoded(scorer: Scorer, x: npt.ArrayLike) -> Floats:
    """Score encoded rows or images: the float parent of the exported file.

    Args:
        scorer: Network, trees or module.
        x: Encoded rows [n, d], or images [n, C, H, W]; taken as float32.

    Returns:
        The logit z of each row, float32 [n]; [n, K] of a module with K classes.
    """
    if isinstance(scorer, ModuleScorer):
        return scorer.score(x)
    rows = np.asarray(x, dtype=np.float32)
    if rows.ndim != 2 or rows.shape[1] != scorer.n_features:
        raise ValueError(f"the scorer takes rows of {scorer.n_features} features, got an array of shape {rows.shape}")
    if isinstance(scorer, TreeScorer):
        parts = [_walk(scorer, rows[start : start + _TREE_CHUNK]) for start in range(0, len(rows), _TREE_CHUNK)]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)
    for weight, bias in scorer.layers[:-1]:
        rows = rows @ weight
        rows += bias
        np.maximum(rows, 0, out=rows)
    weight, bias = scorer.layers[-1]
    rows = rows @ weight + bias
    return rows[:, 0]


def frozen(values: npt.ArrayLike) -> Floats:
    """Return a float32 copy, which later changes of the original do not reach."""
    return np.array(values, dtype=np.float32, order="C")


def _walk(trees: TreeScorer, x: Floats) -> Floats:
    row = np.arange(len(x))[:, None]
    node = np.broadcast_to(trees.roots, (len(x), len(trees.roots)))
    for _ in range(trees.depth):
        goes_left = x[row, trees.feature[node]] <= trees.threshold[node]
        node = np.where(goes_left, trees.left[node], trees.right[node])
    return np.asarray(trees.value[node].sum(axis=1, dtype=np.float64) + trees.baseline, dtype=np.float32)


def _round_down(values: npt.NDArray[np.float64]) -> Floats:
    with np.errstate(over="ignore"):
        nearest = values.astype(np.float32)
    above = nearest.astype(np.float64) > values
    rounded: Floats = np.where(above, np.nextafter(nearest, np.float32(-np.inf)), nearest)
    return rounded
