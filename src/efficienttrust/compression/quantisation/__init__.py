"""Quantisation: weights, and mostly activations, as whole numbers of few bits.

A *real* method ends in a file that onnxruntime executes in whole numbers (`int8`, `int8_static`, `int8_dynamic`) or
stores so (`int4`); `quantise` makes it from a trained network and verifies what came out, as quantisers leave what they
do not know in floating point without a word. A *simulated* one (`weights:BITS`) rounds the weights and leaves them
floats: it tells what few bits would cost, and claims neither bytes nor speed.

`add_rounding` puts the rounding of either into the projection of a workpiece, so that what recovers afterwards is
trained with rounded weights (quantisation-aware training, Jacob et al. 2018, of the weights).

Example:
    >>> step = parse_quantisation("weights:4")
    >>> step.method, step.bits, step.real
    ('weights', 4, False)
"""

from efficienttrust.compression.quantisation._quantisation import Quantisation, quantisations
from efficienttrust.compression.quantisation._quantise import quantise
from efficienttrust.compression.quantisation._rounding import Rounding, add_rounding
from efficienttrust.compression.quantisation._step import QuantiseStep, parse_quantisation

__all__ = [
    "Quantisation",
    "QuantiseStep",
    "Rounding",
    "add_rounding",
    "parse_quantisation",
    "quantisations",
    "quantise",
]
