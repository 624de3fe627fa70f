"""The registry of formulas for ONNX operators, and what most of them are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from efficienttrust.registry import Registry
from efficienttrust.resources.flops import Cost
from efficienttrust.resources.onnx_counting._node import Node

Formula = Callable[[Node], Cost]
"""Gives the cost of a node from its shapes and attributes."""

onnx_flop_formulas: Registry[Formula] = Registry("ONNX operator", "efficienttrust.resources.onnx_counting.catalogue")
"""Formulas by the name of the operator, with its domain unless that is ONNX's own: `Conv`, `com.microsoft.Gelu`."""


def register_all(names: Iterable[str], formula: Formula, domain: str = "") -> None:
    """Register one formula for several operators of a domain."""
    for name in names:
        onnx_flop_formulas.register(f"{domain}.{name}" if domain else name)(formula)


def free(node: Node) -> Cost:
    """Return no cost; the shapes of such a node need not even be known."""
    return Cost()


def per_output(flops: float) -> Formula:
    """Return the formula of an element-wise operator: so many operations per element of its output."""
    return lambda node: Cost(other=flops * node.output_size) if node.floating else Cost()


def per_input(flops: float) -> Formula:
    """Return the formula of an operator that spends so many operations on each element of its first input."""
    return lambda node: Cost(other=flops * node.input_size) if node.floating else Cost()
