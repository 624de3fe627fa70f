"""The group term in the exported graph: the logit that a row must exceed, inferred from the row or looked up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from efficienttrust.compression._decision import Decision, group_cuts
from efficienttrust.compression._graph import Graph
from efficienttrust.errors import UsageError

if TYPE_CHECKING:
    from efficienttrust.data import Attribute

_AND = " & "  # between the attributes in the name of an intersection, as in `Problem.group_names`


def add_inferred_cut(graph: Graph, decision: Decision, encoded: str) -> str:
    """Add the cut of a blind decision: P(group | x) times the cut of each group; without a head the bare threshold."""
    if decision.head is None:
        return graph.constant("threshold", np.float32(decision.threshold))
    weight, bias = decision.head
    names = (
        graph.constant("head.weight", weight),
        graph.constant("head.bias", bias),
    )
    logits = graph.add("Gemm", encoded, *names, name="head")
    probability = graph.add("Softmax", logits, name="group.probability", axis=1)
    return graph.add("MatMul", probability, graph.constant("group.cuts", group_cuts(decision)), name="cut")


def add_given_cut(
    graph: Graph, decision: Decision, attributes: Mapping[str, Attribute], inputs: Sequence[str], names: Sequence[str]
) -> str:
    """Add the cut of an aware decision: name the row's group as `Problem.group_names` does, look up its cut, [N].

    One table entry per group that occurs. (A code per attribute and a table of all combinations would grow with the
    product of the attributes' sizes.)

    Args:
        graph: Is extended.
        decision: By group.
        attributes: Sensitive column to how a cell finds its group.
        inputs: One tensor per attribute, [N, 1].
        names: Name of each group, by code; a row of any other group gets no offset.
    """
    cuts = group_cuts(decision)
    if len(names) != len(cuts):
        raise ValueError(f"{len(names)} group names for {len(cuts)} group offsets")
    ambiguous = [text for attribute in attributes.values() for text in attribute.groups if _AND in text]
    if ambiguous and len(attributes) > 1:
        raise UsageError(
            f"group {ambiguous[0]!r} holds {_AND!r}, which stands between attributes in the name of a group. Rename it."
        )
    parts = [
        _add_band(graph, attribute, name) if attribute.edges else name
        for attribute, name in zip(attributes.values(), inputs, strict=True)
    ]
    group = parts[0]
    if len(parts) > 1:
        separator = graph.constant("group.and", np.array(_AND, dtype=object))
        for part in parts[1:]:
            open_name = graph.add("StringConcat", group, separator, name="group.part")
            group = graph.add("StringConcat", open_name, part, name="group.name")
    cut = graph.add(
        "LabelEncoder",
        group,
        name="group.cut",
        keys_strings=list(names),
        values_floats=cuts.tolist(),
        default_float=float(np.float32(decision.threshold)),
    )
    return graph.add("Squeeze", cut, graph.constant("column", np.array([1], dtype=np.int64)), name="cut")


def _add_band(graph: Graph, attribute: Attribute, name: str) -> str:
    """Add the name of the band that holds a number; "" for NaN, which exceeds not even minus infinity."""
    from onnx import TensorProto

    edges = graph.constant(f"edges.{attribute.name}", np.array([[-np.inf, *attribute.edges]], dtype=np.float64))
    above = graph.add("Greater", name, edges, name=f"above.{attribute.name}")
    counts = graph.add("Cast", above, name=f"counts.{attribute.name}", to=TensorProto.INT64)
    axis = graph.constant("column", np.array([1], dtype=np.int64))
    band = graph.add("ReduceSum", counts, axis, name=f"band.{attribute.name}", keepdims=1)
    return graph.add(
        "LabelEncoder",
        band,
        name=f"group.{attribute.name}",
        keys_int64s=list(range(1, len(attribute.groups) + 1)),
        values_strings=list(attribute.groups),
        default_string="",
    )
