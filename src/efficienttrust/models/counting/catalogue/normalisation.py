"""Normalising layers, softmax, variances: several elementary functions per element."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from efficienttrust.models.counting._formulas import first_tensor, flop_formulas, per_input, register_all
from efficienttrust.resources.flops import COMPOSITE, Cost

for _name in ("softmax", "log_softmax"):
    register_all((f"_{_name}",), per_input(COMPOSITE[_name]))
register_all(("_safe_softmax",), per_input(COMPOSITE["softmax"]))
register_all(("var", "std", "var_mean", "std_mean"), per_input(COMPOSITE["variance"]))


def _batch_norm(arguments: Mapping[str, Any], output: Any) -> Cost:
    # The variant without the argument is `no_training`.
    trains = arguments.get("training", arguments.get("train", False))
    kind = "batch_norm_with_statistics" if trains else "batch_norm"
    return Cost(other=COMPOSITE[kind] * first_tensor(output).numel())


register_all(
    (
        "native_batch_norm",
        "_native_batch_norm_legit",
        "_native_batch_norm_legit_no_training",
        "cudnn_batch_norm",
        "_batch_norm_no_update",
    ),
    _batch_norm,
)


def _affine(arguments: Mapping[str, Any]) -> int:
    return sum(isinstance(arguments.get(name), Tensor) for name in ("weight", "bias"))


@flop_formulas.register("aten.native_layer_norm")
@flop_formulas.register("aten.native_group_norm")
def _layer_norm(arguments: Mapping[str, Any], output: Any) -> Cost:
    return Cost(other=(COMPOSITE["layer_norm"] + _affine(arguments)) * first_tensor(output).numel())


@flop_formulas.register("aten._fused_rms_norm")
def _rms_norm(arguments: Mapping[str, Any], output: Any) -> Cost:
    return Cost(other=(COMPOSITE["rms_norm"] + _affine(arguments)) * first_tensor(output).numel())


@flop_formulas.register("aten._weight_norm_interface")
def _weight_norm(arguments: Mapping[str, Any], output: Any) -> Cost:
    """The weight g · v / ‖v‖: square, add, scale."""
    return Cost(other=3.0 * arguments["v"].numel())
