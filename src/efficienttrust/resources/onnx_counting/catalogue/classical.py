"""Operators of classical models: trees at full depth, linear models, scaling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from efficienttrust.resources.flops import COMPOSITE, Cost
from efficienttrust.resources.onnx_counting._formulas import free, onnx_flop_formulas, per_output, register_all
from efficienttrust.resources.onnx_counting._node import Node

_ML = "ai.onnx.ml"


@onnx_flop_formulas.register("ai.onnx.ml.TreeEnsembleRegressor")
@onnx_flop_formulas.register("ai.onnx.ml.TreeEnsembleClassifier")
def _trees(node: Node) -> Cost:
    """Per row and tree a comparison on every level of its deepest branch, and an addition per value of a leaf."""
    depths = _depths(node.attributes)
    rows = node.input(0)[0]
    values = _values_per_leaf(node.attributes)
    summing = len(depths) * values
    return Cost(other=rows * (sum(depths) + summing + _link(node.attributes) * _outputs(node.attributes)))


def _depths(attributes: Mapping[str, Any]) -> list[int]:
    """Return the depth of every tree: edges from the root to the deepest leaf."""
    columns = ("nodes_treeids", "nodes_nodeids", "nodes_truenodeids", "nodes_falsenodeids", "nodes_modes")
    children: dict[tuple[int, int], tuple[tuple[int, int], ...]] = {}
    for tree, node, yes, no, mode in zip(*(attributes[name] for name in columns), strict=True):
        children[tree, node] = () if mode == b"LEAF" else ((tree, yes), (tree, no))
    below = {child for pair in children.values() for child in pair}
    depths = []
    for root in children.keys() - below:
        depth, level = 0, children[root]
        while level:
            depth, level = depth + 1, tuple(child for parent in level for child in children[parent])
        depths.append(depth)
    return depths


def _values_per_leaf(attributes: Mapping[str, Any]) -> int:
    prefix = "target" if "target_nodeids" in attributes else "class"
    leaves = list(zip(attributes[f"{prefix}_treeids"], attributes[f"{prefix}_nodeids"], strict=True))
    return max(map(leaves.count, leaves[:1])) if leaves else 0


def _outputs(attributes: Mapping[str, Any]) -> int:
    labels = attributes.get("classlabels_int64s") or attributes.get("classlabels_strings") or ()
    return int(attributes.get("n_targets", attributes.get("targets", len(labels) or 1)))


def _link(attributes: Mapping[str, Any]) -> float:
    name = attributes.get("post_transform", b"NONE").decode()
    return {"NONE": 0.0, "LOGISTIC": 1.0, "PROBIT": 1.0}.get(name, COMPOSITE["softmax"])


@onnx_flop_formulas.register("ai.onnx.ml.LinearClassifier")
@onnx_flop_formulas.register("ai.onnx.ml.LinearRegressor")
def _linear(node: Node) -> Cost:
    rows, coefficients = node.input(0)[0], len(node.attributes["coefficients"])
    outputs = len(node.attributes.get("intercepts", ()))
    link = _link(node.attributes) * max(_outputs(node.attributes), outputs)
    return Cost(float(rows * coefficients), rows * (outputs + link))


register_all(("Scaler",), per_output(2), _ML)
register_all(("Normalizer",), per_output(3), _ML)
register_all(("Binarizer", "Imputer"), per_output(1), _ML)  # a comparison
register_all(
    (
        *("ArrayFeatureExtractor", "CastMap", "CategoryMapper", "DictVectorizer", "FeatureVectorizer"),
        *("LabelEncoder", "OneHotEncoder", "ZipMap"),
    ),
    free,
    _ML,
)
