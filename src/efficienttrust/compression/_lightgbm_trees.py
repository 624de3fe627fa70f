"""The trees of a LightGBM model, taken over node by node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from efficienttrust.compression._scorers import TreeScorer, _round_down

if TYPE_CHECKING:
    from lightgbm import Booster


def tree_scorer_of_lightgbm(booster: Booster) -> TreeScorer:
    """Take the trees of a binary LightGBM model fitted on the encoded float32 matrix, up to its best iteration.

    LightGBM compares in float64 with thresholds in float64. For a float32 x, `x <= t` is the same as `x <= t32` with
    t32 the largest float32 that is not above t, so every row takes exactly the path that LightGBM gives it.

    Args:
        booster: Fitted with `objective="binary"`, without categorical features and without missing values, e.g.
            `LGBMClassifier.booster_`.

    Returns:
        The scorer whose z is the model's raw score, `booster.predict(x, raw_score=True)`. LightGBM keeps the prior in
        the leaves of its first tree, so the baseline is 0.

    Raises:
        ValueError: The model is not binary with log-odds as raw scores, averages its trees (random forests), has linear
            leaves, splits on categories, or takes zeros for missing values.
    """
    model = booster.dump_model()
    if str(model.get("objective")).split() != ["binary", "sigmoid:1"]:
        raise ValueError(f"TreeScorer takes objective 'binary' with sigmoid 1, not {model.get('objective')!r}")
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
        threshold=_round_down(threshold),
        left=left.astype(np.int64) + shift,
        right=right.astype(np.int64) + shift,
        value=value.astype(np.float32),
        depth=int(depth.max(initial=0)),
        baseline=0.0,
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
