"""Matrix products: one multiply-add per row, column and inner index; a bias is one per output."""

from __future__ import annotations

import math

from efficienttrust.errors import UsageError
from efficienttrust.resources.flops import Cost
from efficienttrust.resources.onnx_counting._formulas import onnx_flop_formulas, register_all
from efficienttrust.resources.onnx_counting._node import Node


def _matmul(node: Node) -> Cost:
    return Cost(node.input(0)[-1] * node.output_size)


register_all(("MatMul", "MatMulInteger", "QLinearMatMul"), _matmul)


@onnx_flop_formulas.register("com.microsoft.MatMulNBits")
@onnx_flop_formulas.register("com.microsoft.DynamicQuantizeMatMul")
@onnx_flop_formulas.register("com.microsoft.MatMulIntegerToFloat")
def _quantised_matmul(node: Node) -> Cost:
    """The product alone: conversions happen inside and differ by kernel."""
    return _matmul(node)


@onnx_flop_formulas.register("Gemm")
def _gemm(node: Node) -> Cost:
    rows, columns = node.input(0)
    inner = rows if node.attributes.get("transA", 0) else columns
    scaled = sum(node.attributes.get(name, 1.0) != 1.0 for name in ("alpha", "beta")[: 1 + node.has_input(2)])
    return Cost(inner * node.output_size, (node.has_input(2) + scaled) * node.output_size)


@onnx_flop_formulas.register("com.microsoft.QGemm")
def _quantised_gemm(node: Node) -> Cost:
    """Inputs are A, its scale and zero point, then B; the bias is the seventh."""
    rows, columns = node.input(0)
    inner = rows if node.attributes.get("transA", 0) else columns
    return Cost(inner * node.output_size, node.has_input(6) * node.output_size)


@onnx_flop_formulas.register("Einsum")
def _einsum(node: Node) -> Cost:
    """One multiply-add per combination of all indices of two operands."""
    left = node.attributes["equation"].decode().replace(" ", "").partition("->")[0].split(",")
    if len(left) > 2 or "." in "".join(left):
        raise UsageError(f"FLOPs cannot be counted: Einsum of more than two operands or with dots ({','.join(left)}).")
    sizes: dict[str, int] = {}
    for index, term in enumerate(left):
        sizes.update(zip(term, node.input(index), strict=True))
    terms = math.prod(sizes.values())
    return Cost(terms) if len(left) == 2 else Cost(other=terms - node.output_size)
