"""The network of a scorer alone as an ONNX model, and a model of that kind as part of an exported file."""

from __future__ import annotations

from typing import Any

import numpy as np

from efficienttrust.compression._graph import IR_VERSION, OPSET, Graph
from efficienttrust.compression._module_graph import PREFIX, exported_module, in_unit
from efficienttrust.compression._module_scorer import ModuleScorer
from efficienttrust.compression._quantised_scorer import QuantisedScorer
from efficienttrust.compression._scorers import NetworkScorer

ROWS, LOGITS = "rows", "logits"
RUNTIME = "com.microsoft"
"""Domain of the operators that onnxruntime alone executes."""


def core_of(scorer: NetworkScorer | ModuleScorer) -> bytes:
    """Return the float network alone: input `rows` [N, *shape], output `logits` [N, outputs].

    A regression answers in its own unit, without the shift and scale of the scorer.
    """
    if isinstance(scorer, ModuleScorer):
        content: bytes = exported_module(scorer).SerializeToString(deterministic=True)
        return content
    from onnx import TensorProto, helper

    graph = Graph([ROWS, LOGITS])
    last = add_layers(graph, scorer, ROWS)
    graph.nodes.append(helper.make_node("Identity", [last], [LOGITS], name=LOGITS))
    declared = [helper.make_tensor_value_info(ROWS, TensorProto.FLOAT, ["N", scorer.n_features])]
    answers = [helper.make_tensor_value_info(LOGITS, TensorProto.FLOAT, ["N", 1])]
    made = helper.make_graph(graph.nodes, "network", declared, answers, graph.initialisers)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    alone: bytes = model.SerializeToString(deterministic=True)
    return alone


def add_layers(graph: Graph, scorer: NetworkScorer, encoded: str) -> str:
    """Add the layers of a network of plain arrays; returns the name of the tensor of logits [N, 1]."""
    hidden = encoded
    for k, (weight, bias) in enumerate(scorer.layers):
        names = (
            graph.constant(f"{PREFIX}{k}.weight", weight),
            graph.constant(f"{PREFIX}{k}.bias", bias),
        )
        hidden = graph.add("Gemm", hidden, *names, name=f"{PREFIX}{k}")
        if k < len(scorer.layers) - 1:
            hidden = graph.add("Relu", hidden, name=f"{PREFIX}{k}.relu")
    return hidden


def add_quantised(graph: Graph, scorer: QuantisedScorer, rows: str) -> str:
    """Add a quantised network to a graph.

    Args:
        graph: Is extended.
        scorer: The network.
        rows: Tensor of rows, float32 [N, *shape].

    Returns:
        Name of the tensor of logits, or of the numbers of a regression in the unit of the label, float32 [N, outputs].
    """
    import onnx
    from onnx import compose, helper

    model = compose.add_prefix(onnx.load_model_from_string(scorer.core), PREFIX)
    inner = model.graph
    graph.nodes.append(helper.make_node("Identity", [rows], [inner.input[0].name], name=f"{PREFIX}rows"))
    graph.nodes.extend(inner.node)
    graph.initialisers.extend(inner.initializer)
    answer = str(inner.output[0].name)
    parent = scorer.parent
    return answer if isinstance(parent, NetworkScorer) else in_unit(graph, parent, answer)


def domains_of(nodes: list[Any]) -> list[Any]:
    """Return the opset imports that nodes need besides those of ONNX itself."""
    from onnx import helper

    return [helper.make_opsetid(RUNTIME, 1)] if any(node.domain == RUNTIME for node in nodes) else []


def count_weights(graph: Any) -> int:
    """Return the number of learned values in the scorer and the group head of an exported graph.

    Whole numbers count as what they stand for; scales, zero points, vocabulary and the scaling of columns do not.
    """
    from onnx import TensorProto

    packed = {node.input[1]: _packed(node) for node in graph.node if node.op_type == "MatMulNBits"}
    whole, aside = _roles(graph.node)
    count = 0
    for value in graph.initializer:
        name = value.name
        if not name.startswith((PREFIX, "head.")) or name in aside:
            continue
        if name in packed:
            count += packed[name]
        elif name.endswith(SPARSE_SHAPE):
            count += int(np.prod(_numbers(value)))
        elif (value.data_type == TensorProto.FLOAT or name in whole) and not name.endswith(SPARSE_VALUES):
            count += int(np.prod(value.dims))
    return count


SPARSE_SHAPE, SPARSE_VALUES, SPARSE_MASK = ".sparse_shape", ".sparse_values", ".sparse_mask"
"""Endings of the parts of a weight that is stored as what is not zero of it."""
WHOLE = {"DequantizeLinear": (0,), "MatMulInteger": (1,), "ConvInteger": (1,), "DynamicQuantizeLSTM": (1, 2)}
"""Where an operator takes a weight of whole numbers."""
ASIDE = {
    "QuantizeLinear": (1, 2),
    "DequantizeLinear": (1, 2),
    "MatMulInteger": (2, 3),
    "ConvInteger": (2, 3),
    "DynamicQuantizeLSTM": (8, 9, 10, 11),
    "MatMulNBits": (2, 3),
}
"""Where it takes scales and zero points."""


def _roles(nodes: Any) -> tuple[set[str], set[str]]:
    """Return the names of weights of whole numbers, and of scales and zero points."""
    whole, aside = set(), set()
    measured = {name for node in nodes if node.op_type == "DynamicQuantizeLinear" for name in node.output}
    for node in nodes:
        inputs = dict(enumerate(node.input))
        whole |= {inputs[k] for k in WHOLE.get(node.op_type, ()) if k in inputs}
        aside |= {inputs[k] for k in ASIDE.get(node.op_type, ()) if k in inputs}
        if node.op_type == "Mul" and measured & set(node.input):  # the scale of a weight, by that of the activations
            aside |= set(node.input)
    return whole, aside


def _packed(node: Any) -> int:
    sizes = {entry.name: entry.i for entry in node.attribute}
    return int(sizes["K"] * sizes["N"])


def _numbers(value: Any) -> Any:
    from onnx import numpy_helper

    return numpy_helper.to_array(value)
