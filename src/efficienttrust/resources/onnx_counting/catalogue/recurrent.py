"""Recurrent layers, both directions, all time steps."""

from __future__ import annotations

from efficienttrust.resources.flops import Cost, recurrent_cost
from efficienttrust.resources.onnx_counting._formulas import onnx_flop_formulas
from efficienttrust.resources.onnx_counting._node import Node


@onnx_flop_formulas.register("LSTM")
@onnx_flop_formulas.register("GRU")
@onnx_flop_formulas.register("RNN")
def _recurrent(node: Node) -> Cost:
    """Inputs: X [steps, rows, inputs] (or rows first), W and R [directions, gates·hidden, …], B; P is the eighth."""
    steps, rows, inputs = node.input(0)
    directions, _, hidden = node.input(2)
    layer = recurrent_cost(node.operator.lower(), steps * rows, inputs, hidden, biases=2 * node.has_input(3))
    peepholes = 6.0 * steps * rows * hidden * node.has_input(7)  # three products and sums per unit
    return Cost(directions * layer.multiply_adds, directions * (layer.other + peepholes))


@onnx_flop_formulas.register("com.microsoft.DynamicQuantizeLSTM")
def _quantised(node: Node) -> Cost:
    """As LSTM, with W and R turned: [directions, inputs, gates·hidden] and [directions, hidden, gates·hidden]."""
    steps, rows, inputs = node.input(0)
    directions, hidden, _ = node.input(2)
    layer = recurrent_cost("lstm", steps * rows, inputs, hidden, biases=2 * node.has_input(3))
    return Cost(directions * layer.multiply_adds, directions * layer.other)
