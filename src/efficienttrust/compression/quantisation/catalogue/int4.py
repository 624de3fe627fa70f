"""Weights of 4 bits in blocks that share a scale; activations stay floats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.compression._core import RUNTIME
from efficienttrust.compression.quantisation._quantisation import Quantisation, quantisations

BLOCK = 32
LARGEST = 7  # of the whole numbers from -7 to 7


def convert(model: Any, rows: NDArray[np.float32], options: Mapping[str, float]) -> Any:
    """Return a model whose matrix products hold weights of 4 bits; bytes are real, speed is what it is.

    The operator knows matrix products only: a Gemm is taken apart first, and convolutions stay as they are. Weights are
    rounded here and not by onnxruntime, whose grid is not the symmetric one that training with rounding has seen.
    """
    from onnx import helper, numpy_helper

    del rows, options
    _without_gemm(model)
    graph = model.graph
    held = {value.name: value for value in graph.initializer}
    nodes, packed = [], set()
    for node in graph.node:
        weight = held.get(node.input[1]) if node.op_type == "MatMul" else None
        if weight is None or len(weight.dims) != 2:
            nodes.append(node)
            continue
        k, n = weight.dims
        names = f"{weight.name}.int4", f"{weight.name}.int4_scale"
        if weight.name not in packed:
            packed.add(weight.name)
            nibbles, scale = pack(numpy_helper.to_array(weight))
            graph.initializer.append(numpy_helper.from_array(nibbles, names[0]))
            graph.initializer.append(numpy_helper.from_array(scale, names[1]))
        sizes = {"K": k, "N": n, "bits": 4, "block_size": BLOCK}
        made = helper.make_node("MatMulNBits", [node.input[0], *names], node.output, domain=RUNTIME, **sizes)
        made.name = node.name
        nodes.append(made)
    _hold(graph, nodes)
    if all(entry.domain != RUNTIME for entry in model.opset_import):
        model.opset_import.append(helper.make_opsetid(RUNTIME, 1))
    return model


def pack(weight: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return a weight [K, N] as `MatMulNBits` takes it.

    Returns:
        (nibbles [N, blocks, 16], the lower of two values first and 8 for 0; scales [N * blocks]), in blocks of 32
        values along K, the last one filled with zeros.
    """
    k, n = weight.shape
    blocks = np.pad(weight.T, ((0, 0), (0, -k % BLOCK))).reshape(n, -1, BLOCK)
    scale = np.maximum(np.abs(blocks).max(axis=2) / LARGEST, np.finfo(np.float32).tiny).astype(np.float32)
    values = (np.clip(np.rint(blocks / scale[..., None]), -LARGEST, LARGEST) + 8).astype(np.uint8)
    return values[..., 0::2] | values[..., 1::2] << 4, scale.reshape(-1)


def _without_gemm(model: Any) -> None:
    """Replace every Gemm y = x W + b by a MatMul and an Add."""
    from onnx import helper, numpy_helper

    graph = model.graph
    held = {value.name: value for value in graph.initializer}
    nodes = []
    for node in graph.node:
        said = {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}
        plain = said.get("alpha", 1.0) == 1.0 and said.get("beta", 1.0) == 1.0 and not said.get("transA", 0)
        if node.op_type != "Gemm" or not plain or node.input[1] not in held:
            nodes.append(node)
            continue
        weight = node.input[1]
        if said.get("transB", 0):
            turned = np.ascontiguousarray(numpy_helper.to_array(held[weight]).T)
            weight = f"{weight}.T"
            if weight not in held:
                held[weight] = numpy_helper.from_array(turned, weight)
                graph.initializer.append(held[weight])
        biased = len(node.input) > 2 and node.input[2]
        product = f"{node.output[0]}.product" if biased else node.output[0]
        nodes.append(helper.make_node("MatMul", [node.input[0], weight], [product], name=f"{node.name}.product"))
        if biased:
            nodes.append(helper.make_node("Add", [product, node.input[2]], [node.output[0]], name=f"{node.name}.bias"))
    _hold(graph, nodes)


def _hold(graph: Any, nodes: list[Any]) -> None:
    """Let a graph consist of these nodes and the arrays that they use."""
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    kept = [value for value in graph.initializer if value.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


quantisations.register("int4")(
    Quantisation(
        name="int4",
        title="4 bits for the weights of matrix products, in blocks of 32; activations stay floats.",
        bits=4,
        convert=convert,
        block=BLOCK,
    )
)
