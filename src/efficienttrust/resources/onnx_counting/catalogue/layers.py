"""Normalising layers, softmax, pooling, interpolation, reductions, sorting."""

from __future__ import annotations

import math

from efficienttrust.errors import UsageError
from efficienttrust.resources.flops import COMPOSITE, Cost, sorting_cost
from efficienttrust.resources.onnx_counting._formulas import onnx_flop_formulas, per_input, per_output, register_all
from efficienttrust.resources.onnx_counting._node import Node

register_all(("Softmax",), per_output(COMPOSITE["softmax"]))
register_all(("LogSoftmax",), per_output(COMPOSITE["log_softmax"]))
register_all(("InstanceNormalization",), per_input(COMPOSITE["batch_norm_with_statistics"]))
register_all(("GroupNormalization",), per_input(COMPOSITE["layer_norm"] + 2))
register_all(("RMSNormalization", "SimplifiedLayerNormalization"), per_input(COMPOSITE["rms_norm"] + 1))
register_all(("LpNormalization",), per_input(3))  # square and add, ÷
register_all(("MeanVarianceNormalization",), per_input(COMPOSITE["layer_norm"]))


@onnx_flop_formulas.register("BatchNormalization")
def _batch_norm(node: Node) -> Cost:
    kind = "batch_norm_with_statistics" if node.attributes.get("training_mode", 0) else "batch_norm"
    return Cost(other=COMPOSITE[kind] * node.input_size)


@onnx_flop_formulas.register("LayerNormalization")
def _layer_norm(node: Node) -> Cost:
    return Cost(other=(COMPOSITE["layer_norm"] + 1 + node.has_input(2)) * node.input_size)


@onnx_flop_formulas.register("MaxPool")
@onnx_flop_formulas.register("AveragePool")
def _pool(node: Node) -> Cost:
    """One operation per cell of the window."""
    return Cost(other=float(node.output_size * math.prod(node.attributes["kernel_shape"])))


register_all(("GlobalAveragePool", "GlobalMaxPool"), per_input(1))
register_all(("QLinearGlobalAveragePool",), lambda node: Cost(other=float(node.input_size)), "com.microsoft")


@onnx_flop_formulas.register("Resize")
def _resize(node: Node) -> Cost:
    """Three operations per pair that is joined: 1, 3, 7 of them in one, two, three dimensions that change."""
    mode = node.attributes.get("mode", b"nearest").decode()
    if mode == "nearest":
        return Cost()
    if mode != "linear":
        raise UsageError(f"FLOPs cannot be counted: no formula for Resize with mode {mode!r}.")
    changed = sum(before != after for before, after in zip(node.input(0), node.output, strict=True))
    return Cost(other=3.0 * (2**changed - 1) * node.output_size)


register_all(
    (
        "ReduceSum",
        "ReduceMean",
        "ReduceMax",
        "ReduceMin",
        "ReduceProd",
        "ReduceLogSum",
        "ArgMax",
        "ArgMin",
        "CumSum",
        "CumProd",
    ),
    per_input(1),
)
register_all(("ReduceL1", "ReduceL2", "ReduceSumSquare"), per_input(2))  # abs or square, +
register_all(("ReduceLogSumExp",), per_input(4))  # max, −, exp, +


@onnx_flop_formulas.register("ScatterElements")
@onnx_flop_formulas.register("ScatterND")
def _scatter(node: Node) -> Cost:
    """A copy, unless what is written is added to (or compared with) what is there."""
    copies = node.attributes.get("reduction", b"none") == b"none"
    return Cost() if copies or not node.floating else Cost(other=float(math.prod(node.input(2))))


@onnx_flop_formulas.register("TopK")
def _top(node: Node) -> Cost:
    return sorting_cost(node.input_size, node.input(0)[node.attributes.get("axis", -1)])
