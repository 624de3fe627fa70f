"""Walk over the nodes of a graph and add up what they cost."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from efficienttrust.errors import UsageError
from efficienttrust.resources.flops import Cost, FlopCount
from efficienttrust.resources.onnx_counting._formulas import free, onnx_flop_formulas
from efficienttrust.resources.onnx_counting._node import Node
from efficienttrust.resources.onnx_counting._shapes import Shapes, infer, load, with_inputs

_STATED = {  # what a count says about operators whose cost depends on the values
    "ai.onnx.ml.TreeEnsembleRegressor": "trees are counted at their full depth, which is an upper bound",
    "ai.onnx.ml.TreeEnsembleClassifier": "trees are counted at their full depth, which is an upper bound",
}


def count_onnx_flops(
    source: str | os.PathLike[str] | bytes | Any,
    *,
    shapes: Mapping[str, Sequence[int]] | None = None,
    rows: int | None = None,
) -> FlopCount:
    """Count the floating-point operations of one run of an ONNX model, per row.

    Integer arithmetic of quantised products counts as if it were floating-point.

    Args:
        source: Path of the file, its content, or an `onnx.ModelProto`.
        shapes: Of inputs by name, where the file leaves dimensions open; an open first dimension is one row.
        rows: Rows in a run with these shapes; by default the first dimension of the first input.

    Raises:
        UsageError: An operator has no formula, a dimension stays open, or the source is not an ONNX model.
    """
    model = load(source)
    model, first_dimension = with_inputs(model, shapes or {})
    known = infer(model)
    constant = {value.name for value in model.graph.initializer} - {value.name for value in model.graph.input}
    formulas = {name: onnx_flop_formulas.get(name) for name in onnx_flop_formulas.names()}
    costs: list[tuple[str, Cost]] = []
    unknown, notes = set(), set()
    for node in model.graph.node:
        operator = node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"
        if operator not in formulas:
            unknown.add(operator)
        elif all(name in constant for name in node.input if name) and operator not in _RANDOM:
            constant.update(node.output)
        elif formulas[operator] is not free:
            costs.append((operator, formulas[operator](_view(node, operator, known))))
            notes.update(_STATED.get(operator, "").splitlines())
    if unknown:
        raise UsageError(
            f"FLOPs cannot be counted: no formula for {', '.join(sorted(unknown))}. Register one with "
            "efficienttrust.resources.onnx_counting.onnx_flop_formulas.register(name)(formula)."
        )
    return FlopCount.of(costs, first_dimension if rows is None else rows, "; ".join(sorted(notes)))


_RANDOM = frozenset({"RandomNormal", "RandomUniform"})  # no input, and yet not a constant


def _view(node: Any, operator: str, known: Shapes) -> Node:
    import onnx

    attributes = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    names = [name for name in (*node.input, *node.output) if name]
    return Node(
        operator,
        tuple(known.shape(name, operator) if name else None for name in node.input),
        tuple(known.shape(name, operator) if name else None for name in node.output),
        attributes,
        any(known.is_floating(name) for name in names),
    )
