"""Matrix products: one multiply-add per row, column and inner index; a bias or an addend is one per output."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from efficienttrust.models.counting._formulas import first_tensor, flop_formulas, register_all
from efficienttrust.resources.flops import Cost


def _product(arguments: Mapping[str, Any], output: Any) -> Cost:
    """m·k·n for [.., m, k] · [.., k, n] with the left factor called `self`."""
    return Cost(arguments["self"].shape[-1] * first_tensor(output).numel())


def _product_and_sum(arguments: Mapping[str, Any], output: Any) -> Cost:
    left = arguments["mat1"] if "mat1" in arguments else arguments.get("batch1", arguments.get("mat"))
    assert isinstance(left, Tensor)
    outputs = first_tensor(output).numel()
    extra = sum(arguments.get(name, 1) != 1 for name in ("alpha", "beta"))
    return Cost(left.shape[-1] * outputs, (1 + extra) * outputs)


register_all(("mm", "bmm", "mv", "_int_mm", "_scaled_mm"), _product)
register_all(("addmm", "baddbmm", "addmv"), _product_and_sum)


@flop_formulas.register("aten.dot")
@flop_formulas.register("aten.vdot")
def _dot(arguments: Mapping[str, Any], output: Any) -> Cost:
    return Cost(arguments["self"].numel())


@flop_formulas.register("aten.addr")
def _outer(arguments: Mapping[str, Any], output: Any) -> Cost:
    return Cost(output.numel())


@flop_formulas.register("aten.addbmm")
def _addbmm(arguments: Mapping[str, Any], output: Any) -> Cost:
    left = arguments["batch1"]
    return Cost(left.shape[0] * left.shape[-1] * output.numel(), output.numel())


@flop_formulas.register("aten.linear")
def _linear(arguments: Mapping[str, Any], output: Any) -> Cost:
    bias = 0 if arguments["bias"] is None else output.numel()
    return Cost(arguments["input"].shape[-1] * output.numel(), bias)


@flop_formulas.register("aten._trilinear")
def _trilinear(arguments: Mapping[str, Any], output: Any) -> Cost:
    """Σ i1·i2·i3 after each got its expanded dimensions (bilinear layers): a product, then a multiply-add, each."""
    shapes = []
    for number in (1, 2, 3):
        shape = list(arguments[f"i{number}"].shape)
        for dimension in sorted(arguments[f"expand{number}"]):
            shape.insert(dimension, 1)
        shapes.append(shape)
    terms = math.prod(max(sizes) for sizes in zip(*shapes, strict=True))
    return Cost(terms, terms)
