"""How many numbers an ONNX file has learned."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from efficienttrust.errors import UsageError
from efficienttrust.resources.onnx_counting._shapes import load
from efficienttrust.resources.parameters import ParameterCount

_TREES = ("TreeEnsembleRegressor", "TreeEnsembleClassifier")
_LOOK_UPS = frozenset({"LabelEncoder", "CategoryMapper", "OneHotEncoder", "DictVectorizer", "Binarizer", "ZipMap"})
_MASK, _VALUES, _SHAPE, _BITS = ".sparse_mask", ".sparse_values", ".sparse_shape", "sparse.weights"
"""Names of the parts of a weight that `compression._sparse_storage` wrote: they count as the weight they stand for."""
_NO_WEIGHTS = frozenset({"INT64", "UINT64", "STRING", "BOOL"})  # types of shapes, indices, vocabularies, masks


def count_onnx_parameters(source: str | os.PathLike[str] | bytes | Any) -> ParameterCount:
    """Count the weights stored in an ONNX model, whether or not a training has made them.

    Counted are the elements of initialisers and `Constant` nodes with at least one dimension (floating-point, or
    integers of at most 32 bits, as quantised weights are; a shape has 64), the coefficients of the operators of
    classical models, and the nodes of trees: a branch is a threshold, a leaf its values. Single numbers (a factor, the
    scale of a tensor) do not count. Statistics of batch norm, scaling and imputation, scales and zero points per
    channel, and initial states that the file stores, do: nothing in a file tells them from weights.

    Args:
        source: Path of the file, its content, or an `onnx.ModelProto`.
    """
    model = load(source)
    folder = "" if isinstance(source, bytes) or hasattr(source, "graph") else str(Path(source).parent)
    total = nonzero = 0
    for count, filled in (*_tensors(model.graph, folder), *_coefficients(model.graph)):
        total += count
        nonzero += filled
    return ParameterCount(total, nonzero)


def _tensors(graph: Any, folder: str) -> Iterator[tuple[int, int]]:
    import onnx

    constants = (attribute.t for node in graph.node if node.op_type == "Constant" for attribute in node.attribute)
    held = {tensor.name: tensor for tensor in graph.initializer}
    stems = {name.removesuffix(_MASK) for name in held if name.endswith(_MASK)}
    packed = {stem for stem in stems if {stem + _VALUES, stem + _SHAPE} <= held.keys()}
    parts = {stem + ending for stem in packed for ending in (_MASK, _VALUES, _SHAPE)}
    if packed:
        parts.add(_BITS)
    for stem in packed:
        sizes, values = _values(held[stem + _SHAPE], folder), _values(held[stem + _VALUES], folder)
        yield int(np.prod(sizes)), int(np.count_nonzero(values))
    for tensor in (*graph.initializer, *constants):
        kind = onnx.TensorProto.DataType.Name(tensor.data_type)
        if tensor.dims and kind not in _NO_WEIGHTS and tensor.name not in parts:
            yield int(np.prod(tensor.dims)), int(np.count_nonzero(_values(tensor, folder)))


def _values(tensor: Any, folder: str) -> Any:
    import onnx

    try:
        return onnx.numpy_helper.to_array(tensor, folder)
    except Exception as error:  # a file of external data may be missing, short, or outside the folder
        reason = " ".join(str(error).split())[:160]
        raise UsageError(
            f"cannot read the values of {tensor.name!r}: {reason}. Put its file beside the model."
        ) from error


def _coefficients(graph: Any) -> Iterator[tuple[int, int]]:
    for node in graph.node:
        if node.domain != "ai.onnx.ml" or node.op_type in _LOOK_UPS:
            continue
        if node.op_type in _TREES:
            yield _tree_values(node)
            continue
        for attribute in node.attribute:
            if attribute.floats:
                yield len(attribute.floats), int(np.count_nonzero(attribute.floats))


def _tree_values(node: Any) -> tuple[int, int]:
    """Return branches and leaf values; a leaf's value may well be zero, a branch always decides something."""
    lists = {attribute.name: attribute for attribute in node.attribute}
    branches = sum(mode != b"LEAF" for mode in lists["nodes_modes"].strings)
    leaves = [weight for name in ("target_weights", "class_weights") if name in lists for weight in lists[name].floats]
    return branches + len(leaves), branches + int(np.count_nonzero(leaves))
