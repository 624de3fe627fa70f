"""Convolutions: a multiply-add per output, input channel of its group and cell of the kernel; a bias is one more."""

from __future__ import annotations

import math

from efficienttrust.resources.flops import Cost
from efficienttrust.resources.onnx_counting._formulas import onnx_flop_formulas, register_all
from efficienttrust.resources.onnx_counting._node import Node


@onnx_flop_formulas.register("Conv")
def _convolution(node: Node) -> Cost:
    return Cost(node.output_size * math.prod(node.input(1)[1:]), node.has_input(2) * node.output_size)


@onnx_flop_formulas.register("ConvTranspose")
def _transposed(node: Node) -> Cost:
    return Cost(node.input_size * math.prod(node.input(1)[1:]), node.has_input(2) * node.output_size)


@onnx_flop_formulas.register("ConvInteger")
def _integer(node: Node) -> Cost:
    return Cost(node.output_size * math.prod(node.input(1)[1:]))


@onnx_flop_formulas.register("QLinearConv")
def _quantised(node: Node) -> Cost:
    """Inputs are x, its scale and zero point, then w; the bias is the ninth."""
    return Cost(node.output_size * math.prod(node.input(3)[1:]), node.has_input(8) * node.output_size)


register_all(("QuantizeLinear",), lambda node: Cost(other=4.0 * node.output_size))  # ÷ scale, + zero point, clip
register_all(("DequantizeLinear",), lambda node: Cost(other=2.0 * node.output_size))  # −, ×
register_all(("DynamicQuantizeLinear",), lambda node: Cost(other=6.0 * node.input_size))  # min, max, then as above
