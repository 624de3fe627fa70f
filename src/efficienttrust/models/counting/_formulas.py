"""The registry of formulas, and what most of them are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from efficienttrust.registry import Registry
from efficienttrust.resources.flops import Cost

Formula = Callable[[Mapping[str, Any], Any], Cost]
"""Takes the arguments of an operator by the names of its schema, and what it returned; gives its cost.

Tensors may be on the meta device: only their shapes and types can be read.
"""

flop_formulas: Registry[Formula] = Registry("operator", "efficienttrust.models.counting.catalogue")
"""Formulas by the name of the operator without overload or trailing underscore, e.g. `aten.add`, `mylib.my_op`."""


def register_all(names: Iterable[str], formula: Formula) -> None:
    """Register one formula for several operators of aten, given without the prefix."""
    for name in names:
        flop_formulas.register(f"aten.{name}")(formula)


def per_output(flops: float) -> Formula:
    """Return the formula of an element-wise operator: so many operations per element of its (first) output."""

    def formula(arguments: Mapping[str, Any], output: Any) -> Cost:
        return Cost(other=flops * first_tensor(output).numel()) if on_numbers(arguments, output) else Cost()

    return formula


def per_input(flops: float, name: str = "self") -> Formula:
    """Return the formula of an operator that spends so many operations on each element of the argument `name`."""

    def formula(arguments: Mapping[str, Any], output: Any) -> Cost:
        return Cost(other=flops * arguments[name].numel()) if on_numbers(arguments, output) else Cost()

    return formula


def on_numbers(arguments: Mapping[str, Any], output: Any) -> bool:
    """Whether any tensor among inputs and output is floating or complex; what works on indices alone is free."""
    values = [*arguments.values(), *(output if isinstance(output, tuple | list) else (output,))]
    return any(isinstance(value, Tensor) and (value.is_floating_point() or value.is_complex()) for value in values)


def first_tensor(output: Any) -> Tensor:
    """Return the output, or the first of several."""
    first = output[0] if isinstance(output, tuple | list) else output
    return first if isinstance(first, Tensor) else torch.empty((), device="meta")
