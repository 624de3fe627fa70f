"""The first part of the exported graph: raw columns in, the encoded float32 row out, exactly as `Encoder.transform`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from efficienttrust.compression._graph import Graph

if TYPE_CHECKING:
    from efficienttrust.data import CategoricalFeature, Encoder


def add_encoding(graph: Graph, encoder: Encoder, inputs: list[str]) -> str:
    """Add imputation, indicators, scaling and one-hot blocks.

    Args:
        graph: Is extended.
        encoder: What is fitted on train.
        inputs: One tensor per column of the encoder, in its order, [N, 1].

    Returns:
        Name of the encoded tensor, float32 [N, d].
    """
    p = len(encoder.numeric)
    parts = _add_numeric(graph, encoder, inputs[:p]) if p else []
    if encoder.categorical:
        parts.append(_add_blocks(graph, encoder.categorical, inputs[p:]))
    if not parts:
        raise ValueError("the encoder has no columns: there is nothing to export")
    return parts[0] if len(parts) == 1 else graph.add("Concat", *parts, name="encoded", axis=1)


def _add_numeric(graph: Graph, encoder: Encoder, names: list[str]) -> list[str]:
    """Impute and standardise in float64 as the encoder does, then round to float32; indicators follow."""
    from onnx import TensorProto

    features = encoder.numeric
    raw = graph.add("Concat", *names, name="numeric.raw", axis=1)
    missing = graph.add("IsNaN", raw, name="numeric.missing")
    fill = graph.constant("numeric.fill", np.array([feature.fill for feature in features], dtype=np.float64))
    mean = graph.constant("numeric.mean", np.array([feature.mean for feature in features], dtype=np.float64))
    scale = graph.constant("numeric.scale", np.array([feature.scale for feature in features], dtype=np.float64))
    filled = graph.add("Where", missing, fill, raw, name="numeric.filled")
    centred = graph.add("Sub", filled, mean, name="numeric.centred")
    scaled = graph.add("Div", centred, scale, name="numeric.scaled")
    parts = [graph.add("Cast", scaled, name="numeric", to=TensorProto.FLOAT)]
    flagged = [k for k, feature in enumerate(features) if feature.indicator]
    if flagged:
        which = graph.constant("indicator.columns", np.array(flagged, dtype=np.int64))
        chosen = graph.add("Gather", missing, which, name="indicator.missing", axis=1)
        parts.append(graph.add("Cast", chosen, name="indicator", to=TensorProto.FLOAT))
    return parts


def _add_blocks(graph: Graph, features: tuple[CategoricalFeature, ...], names: list[str]) -> str:
    """Look up each text's slot, then scatter ones into zeros: one 1 per block.

    Scattering costs memory for the result only (a OneHot per column and a sum cost K times that) and was the fastest of
    five ways tried: 23 us for one row as the others, 10 ms against 12-28 ms for 10,000 rows of an Adult-like network.
    """
    from onnx import numpy_helper

    slots = []
    start = 0
    for feature, name in zip(features, names, strict=True):
        keys = [*feature.categories, *([""] if feature.missing_slot else [])]
        other = start + len(keys)
        slots.append(
            graph.add(
                "LabelEncoder",
                name,
                name=f"slot.{feature.column}",
                keys_strings=keys or ["(other)"],  # a LabelEncoder needs a key: a block of one slot names that one
                values_int64s=list(range(start, other)) or [other],
                default_int64=other,
            )
        )
        start = other + 1
    slot = graph.add("Concat", *slots, name="slots", axis=1)
    shape = graph.add("Shape", slot, name="slots.shape")
    rows = graph.add("Shape", slot, name="slots.rows", start=0, end=1)
    width = graph.constant("blocks.width", np.array([start], dtype=np.int64))
    wanted = graph.add("Concat", rows, width, name="blocks.shape", axis=0)
    zero, one = (numpy_helper.from_array(np.full(1, value, dtype=np.float32)) for value in (0, 1))
    zeros = graph.add("ConstantOfShape", wanted, name="blocks.zeros", value=zero)
    ones = graph.add("ConstantOfShape", shape, name="slots.ones", value=one)
    return graph.add("ScatterElements", zeros, slot, ones, name="blocks", axis=1)
