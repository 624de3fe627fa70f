"""Reductions spend one operation on each element they read; sorting spends comparisons."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from efficienttrust.models.counting._formulas import flop_formulas, per_input, register_all
from efficienttrust.resources.flops import Cost, sorting_cost

register_all(
    (
        *("sum", "mean", "prod", "amax", "amin", "aminmax", "max", "min", "argmax", "argmin", "nansum"),
        *("cumsum", "cumprod", "cummax", "cummin", "_cummax_helper", "median", "nanmedian", "count_nonzero"),
    ),
    per_input(1),
)
register_all(("logsumexp",), per_input(4))  # max, −, exp, +
register_all(("norm", "linalg_vector_norm"), per_input(2))  # square, +


def _sort(arguments: Mapping[str, Any], output: Any) -> Cost:
    values: Tensor = arguments["self"]
    dimension = arguments.get("dim", -1)
    return sorting_cost(values.numel(), values.shape[dimension] if values.dim() else 1)


register_all(("sort", "topk", "argsort", "kthvalue"), _sort)


@flop_formulas.register("aten.scatter")
@flop_formulas.register("aten.index_put")
@flop_formulas.register("aten._unsafe_index_put")
def _overwrite(arguments: Mapping[str, Any], output: Any) -> Cost:
    """A copy, unless what is written is added to (or multiplied with) what is there."""
    joins = arguments.get("accumulate") or arguments.get("reduce")
    written = arguments.get("src", arguments.get("values"))
    return Cost(other=written.numel()) if joins and isinstance(written, Tensor) else Cost()


register_all(("scatter_add", "scatter_reduce"), per_input(1, "src"))
register_all(("index_add", "index_reduce"), per_input(1, "source"))


@flop_formulas.register("aten._embedding_bag")
@flop_formulas.register("aten._embedding_bag_forward_only")
def _embedding_bag(arguments: Mapping[str, Any], output: Any) -> Cost:
    """Every row that is looked up is added (or compared) once."""
    weighted = 2 if isinstance(arguments.get("per_sample_weights"), Tensor) else 1
    return Cost(other=weighted * arguments["indices"].numel() * arguments["weight"].shape[-1])


@flop_formulas.register("aten._cdist_forward")
def _distances(arguments: Mapping[str, Any], output: Any) -> Cost:
    """−, power and + per pair and dimension."""
    return Cost(other=3.0 * output.numel() * arguments["x1"].shape[-1])


def _fourier(arguments: Mapping[str, Any], output: Any) -> Cost:
    """5·n·log₂ n per complex transform of n values, half of it for real ones (the count of radix-2)."""
    values: Tensor = arguments["self"]
    complex_values, result = values.is_complex(), output
    larger = max(values.numel(), result.numel())
    length = math.prod(max(values.shape[d], result.shape[d]) for d in arguments["dim"])
    share = 5.0 if complex_values and result.is_complex() else 2.5
    return Cost(other=share * larger * math.log2(max(length, 2)))


register_all(("_fft_r2c", "_fft_c2c", "_fft_c2r"), _fourier)
