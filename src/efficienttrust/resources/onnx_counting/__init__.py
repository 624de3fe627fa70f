"""Parameters and floating-point operations of ONNX files, from the graph alone; torch is not needed.

Shapes come from ONNX's shape inference; where that gives up (shapes computed from values), the graph is run once on
zeros. Each operator has a formula, or stands on the list of those that cost nothing; any other is an error that names
it. The conventions are those of `efficienttrust.resources.flops`, so that a torch module and its export agree. What a
file computes from constants alone is not counted: a runtime does it once, when it opens the file.

    >>> import onnx
    >>> from efficienttrust.resources.onnx_counting import count_onnx_flops
    >>> graph = onnx.parser.parse_model('''
    ...     <ir_version: 9, opset_import: ["" : 18]>
    ...     linear (float[n, 10] x, float[10, 3] w) => (float[n, 3] y) { y = MatMul(x, w) }''')
    >>> count_onnx_flops(graph).per_row
    60.0
"""

from efficienttrust.resources.flops import Cost, FlopCount
from efficienttrust.resources.onnx_counting._counter import count_onnx_flops
from efficienttrust.resources.onnx_counting._formulas import Formula, onnx_flop_formulas
from efficienttrust.resources.onnx_counting._node import Node
from efficienttrust.resources.onnx_counting._parameters import count_onnx_parameters

__all__ = ["Cost", "FlopCount", "Formula", "Node", "count_onnx_flops", "count_onnx_parameters", "onnx_flop_formulas"]
