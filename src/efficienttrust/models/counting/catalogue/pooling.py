"""Pooling reads each cell of its window once per output; interpolation weighs its neighbours."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from efficienttrust.models.counting._formulas import first_tensor, per_output, register_all
from efficienttrust.resources.flops import Cost


def _pool(arguments: Mapping[str, Any], output: Any) -> Cost:
    outputs, kernel = first_tensor(output), arguments["kernel_size"]
    dimensions = _pooled_dimensions(arguments["self"].dim(), len(kernel))
    window = math.prod(kernel) if len(kernel) > 1 else kernel[0] ** dimensions
    return Cost(other=float(window * outputs.numel()))


def _pooled_dimensions(input_dimensions: int, given: int) -> int:
    """A kernel of one number stands for all spatial dimensions of an input [n, c, ...]."""
    return given if given > 1 else input_dimensions - 2


def _adaptive_pool(arguments: Mapping[str, Any], output: Any) -> Cost:
    """The windows of adaptive pooling overlap where the sizes do not divide."""
    source, target = arguments["self"].shape, first_tensor(output).shape
    spatial = len(arguments["output_size"])
    cells = 1
    for size, wanted in zip(source[-spatial:], target[-spatial:], strict=True):
        cells *= sum(-(-(i + 1) * size // wanted) - i * size // wanted for i in range(wanted))
    return Cost(other=float(cells * math.prod(source[:-spatial])))


register_all(
    (
        "max_pool2d_with_indices",
        "max_pool3d_with_indices",
        "max_pool2d",
        "avg_pool1d",
        "avg_pool2d",
        "avg_pool3d",
    ),
    _pool,
)
register_all(
    (
        "_adaptive_avg_pool2d",
        "_adaptive_avg_pool3d",
        "adaptive_avg_pool1d",
        "adaptive_max_pool2d",
        "adaptive_max_pool3d",
    ),
    _adaptive_pool,
)
# A lerp (−, ×, +) per pair that is joined: 1, 3 and 7 of them in one, two and three dimensions.
register_all(("upsample_linear1d",), per_output(3))
register_all(("upsample_bilinear2d", "_upsample_bilinear2d_aa"), per_output(9))
register_all(("upsample_trilinear3d",), per_output(21))
