"""Convolutions: a multiply-add per output, input channel of its group and cell of the kernel; a bias is one more."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from efficienttrust.models.counting._formulas import register_all
from efficienttrust.resources.flops import Cost


def _convolution(arguments: Mapping[str, Any], output: Any) -> Cost:
    weight, bias = arguments["weight"], 0 if arguments["bias"] is None else output.numel()
    per_position = math.prod(weight.shape[1:])  # [out, in / groups, kernel]; transposed: [in, out / groups, kernel]
    # Every output gathers, or, transposed, every input scatters; padding is counted as if it were data.
    positions = arguments["input"].numel() if arguments.get("transposed") else output.numel()
    return Cost(positions * per_position, bias)


register_all(("convolution", "_convolution", "convolution_overrideable"), _convolution)
