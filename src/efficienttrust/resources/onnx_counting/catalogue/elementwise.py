"""Element-wise operators, by their definition in elementary functions."""

from __future__ import annotations

from efficienttrust.resources.flops import COMPOSITE, Cost
from efficienttrust.resources.onnx_counting._formulas import onnx_flop_formulas, per_output, register_all
from efficienttrust.resources.onnx_counting._node import Node

register_all(
    (
        *("Add", "Sub", "Mul", "Div", "Neg", "Abs", "Sign", "Sqrt", "Reciprocal", "Pow", "Exp", "Log", "Mod"),
        *("Sin", "Cos", "Tan", "Sinh", "Cosh", "Tanh", "Asin", "Acos", "Atan", "Asinh", "Acosh", "Atanh", "Erf"),
        *("Sigmoid", "Relu", "ThresholdedRelu", "Floor", "Ceil", "Round", "Equal", "Less", "LessOrEqual"),
        *("Greater", "GreaterOrEqual", "IsNaN", "IsInf"),
    ),
    per_output(1),
)
register_all(("LeakyRelu", "PRelu", "Shrink"), per_output(COMPOSITE["leaky_relu"]))
for _operator, _kind in (
    *(("Elu", "elu"), ("Celu", "celu"), ("Selu", "selu"), ("Mish", "mish"), ("Softplus", "softplus")),
    *(("Softsign", "softsign"), ("HardSigmoid", "hardsigmoid"), ("HardSwish", "hardswish"), ("Swish", "silu")),
):
    register_all((_operator,), per_output(COMPOSITE[_kind]))
register_all(("Gelu",), per_output(COMPOSITE["gelu"]), "com.microsoft")
register_all(("FastGelu",), per_output(COMPOSITE["gelu_tanh"]), "com.microsoft")
register_all(("QuickGelu",), per_output(1 + COMPOSITE["silu"]), "com.microsoft")  # x · σ(1.702 · x)


@onnx_flop_formulas.register("Gelu")
def _gelu(node: Node) -> Cost:
    kind = "gelu_tanh" if node.attributes.get("approximate") == b"tanh" else "gelu"
    return Cost(other=COMPOSITE[kind] * node.output_size)


@onnx_flop_formulas.register("Clip")
def _clip(node: Node) -> Cost:
    """A comparison per bound that is given."""
    bounds = sum(node.has_input(index) for index in (1, 2)) + len({"min", "max"} & node.attributes.keys())
    return Cost(other=float(bounds * node.output_size)) if node.floating else Cost()


@onnx_flop_formulas.register("Sum")
@onnx_flop_formulas.register("Mean")
@onnx_flop_formulas.register("Max")
@onnx_flop_formulas.register("Min")
def _of_many(node: Node) -> Cost:
    between = len(node.inputs) - 1 + (node.operator == "Mean")
    return Cost(other=float(between * node.output_size)) if node.floating else Cost()
