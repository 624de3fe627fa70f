"""The trees of a LightGBM model, taken over node by node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from efficienttrust.compression._tree_scorer import TreeScorer, round_down

if TYPE_CHECKING:
    from lightgbm import Booster


def tree_scorer_of_lightgbm(booster: Booster, start: int = 0) -> TreeScorer:
    """Take the trees of a LightGBM model fitted on the encoded float32 matrix, up to its best iteration.

    LightGBM compares in float64 with thresholds in float64. For a float32 x, `x <= t` is the same as `x <= t32` with
    t32 the largest float32 that is not above t, so every row takes exactly the path that LightGBM gives it.

    Args:
        booster: Fitted with objective `binary`, `multiclass` or `regression`, without categorical features and without
            missing values, e.g. `LGBMClassifier.booster_`.
        start: Number of iterations whose trees are left out.

    Returns:
        The scorer whose z is the model's raw score, `booster.predict(x, raw_score=True)`: a logit, the logits of K
        classes, or the predicted number. LightGBM keeps what is known before any split in the leaves of the first tree
        of each forest, so the baselines are 0.

    Raises:
        ValueError: The model has another objective, whose raw score is no logit or prediction, averages its trees
            (random forests), has linear leaves, splits on categories, or takes zeros for missing values.
    """
    model = booster.dump_model(start_iteration=start)
    forests = int(model["num_tree_per_iteration"])
    if model.get("objective") not in ("binary sigmoid:1", f"multiclass num_class:{forests}", "regression"):
        raise ValueError(
            f"TreeScorer takes objective 'binary' with sigmoid 1, 'multiclass' and 'regression', not "
            f"{model.get('objective')!r}"
        )
    if model["average_output"]:
        raise ValueError("TreeScorer takes a sum of trees, this model averages them (boosting='rf')")
    trees = [_nodes(tree["tree_structure"]) for tree in model["tree_info"]]
    sizes = np.array([len(nodes) for nodes in trees], dtype=np.int64)
    roots = np.cumsum(sizes) - sizes
    shift = np.repeat(roots, sizes)
    feature, threshold, left, right, value, depth = np.concatenate(
        [np.zeros((0, 6)), *(np.array(nodes) for nodes in trees)]
    ).T
    return TreeScorer(
        roots=roots,
        feature=feature.astype(np.int64),
        threshold=round_down(threshold),
        left=left.astype(np.int64) + shift,
        right=right.astype(np.int64) + shift,
        value=value.astype(np.float32),
        depth=int(depth.max(initial=0)),
        baseline=np.zeros(forests),
        n_features=int(model["max_feature_idx"]) + 1,
    )


def _nodes(root: Mapping[str, Any]) -> list[tuple[float, ...]]:
    """Return (feature, threshold, left, right, value, depth) of each node of one tree, the root first."""
    nodes: list[tuple[float, ...]] = []
    waiting = [(root, 0)]
    placed = 1  # nodes that already have a number
    for node, depth in waiting:  # grows while it is read: breadth first, so that numbers follow the order of the list
        own = len(nodes)
        if "split_feature" not in node:
            if "leaf_coeff" in node:
                raise ValueError("TreeScorer takes constant leaves, this model has linear ones (linear_tree=True)")
            nodes.append((0, 0.0, own, own, float(node["leaf_value"]), depth))
            continue
        if node["decision_type"] != "<=":
            raise ValueError("TreeScorer takes trees on the encoded matrix, without native categorical splits")
        if node["missing_type"] == "Zero":
            raise ValueError("TreeScorer takes 0 as a number, this model as missing (zero_as_missing=True)")
        nodes.append((node["split_feature"], float(node["threshold"]), placed, placed + 1, 0.0, depth))
        waiting += [(node["left_child"], depth + 1), (node["right_child"], depth + 1)]
        placed += 2
    return nodes
