"""Boosted trees as part of an exported graph."""

from __future__ import annotations

import numpy as np

from efficienttrust.compression._graph import Graph
from efficienttrust.compression._tree_scorer import TreeScorer


def add_trees(graph: Graph, trees: TreeScorer, rows: str) -> str:
    """Add all forests of a scorer as one node.

    Args:
        graph: Is extended.
        trees: The trees.
        rows: Tensor of encoded rows, float32 [N, d].

    Returns:
        Name of the tensor of sums, float32 [N, K]: logits, or numbers in the unit of the label.
    """
    leaf = trees.is_leaf
    sizes = np.diff(np.append(trees.roots, len(leaf)))
    tree = np.repeat(np.arange(len(sizes)), sizes)
    first = trees.roots[tree]
    node = np.arange(len(leaf)) - first
    return graph.add(
        "TreeEnsembleRegressor",
        rows,
        name="scorer",
        nodes_treeids=tree.tolist(),
        nodes_nodeids=node.tolist(),
        nodes_featureids=trees.feature.tolist(),
        nodes_values=trees.threshold.tolist(),
        nodes_modes=["LEAF" if end else "BRANCH_LEQ" for end in leaf],
        nodes_truenodeids=np.where(leaf, 0, trees.left - first).tolist(),
        nodes_falsenodeids=np.where(leaf, 0, trees.right - first).tolist(),
        target_treeids=tree[leaf].tolist(),
        target_nodeids=node[leaf].tolist(),
        target_ids=(tree[leaf] % trees.outputs).tolist(),
        target_weights=trees.value[leaf].tolist(),
        n_targets=trees.outputs,
        base_values=trees.baseline.tolist(),
        aggregate_function="SUM",
        post_transform="NONE",
    )
