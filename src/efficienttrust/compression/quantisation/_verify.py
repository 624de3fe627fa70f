"""What a quantiser really did: operators by name, the share of weights that are whole numbers, and bytes."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from efficienttrust.compression.quantisation._step import QuantiseStep
from efficienttrust.errors import UsageError

LEAST = 0.5  # share of the weights that have to be whole numbers
SMALL = 64  # values below which a matrix is a constant or a scale, not a weight
SHAPING = ("Cast", "Concat", "Gather", "Identity", "Reshape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze")
"""Operators through which a weight may pass on its way to the one that uses it."""
NOT_WEIGHTS = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLSTM", "MatMulNBits", "")
"""Operators of which a float array is a scale, or the state that a recurrent layer begins with."""
MOST_SHAPING = 8  # of them in a row
SLACK, OVERHEAD = 0.25, 256  # what may be missing of the saved bytes: a share, and bytes for each operator


def verify_quantised(before: bytes, after: bytes, step: QuantiseStep) -> dict[str, Any]:
    """Return what was quantised.

    Args:
        before: The float network.
        after: What the quantiser made of it.
        step: What was asked for.

    Returns:
        `bytes_before`, `bytes_after`, `operators` by name, `integer_tensors` and `integer_share` of the weights,
        `left_float` (operators whose weights stayed floats, by name) and `notes`.

    Raises:
        UsageError: No weight, or less than half of them, became whole numbers.
    """
    import onnx

    graph = onnx.load_model_from_string(after).graph
    held = {value.name: value for value in graph.initializer}
    packed = {node.input[1]: _k_times_n(node) for node in graph.node if node.op_type == "MatMulNBits"}
    whole, tensors = sum(packed.values()), len(packed)
    floats: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for name, value in held.items():
        size = int(np.prod(value.dims))
        if value.data_type == onnx.TensorProto.FLOAT and len(value.dims) >= 2 and size >= SMALL:
            user = _user(graph, name)
            if user not in NOT_WEIGHTS:
                floats[user] += 1
                sizes[user] += size
    integers = (onnx.TensorProto.INT8, onnx.TensorProto.UINT8)
    for value in graph.initializer:
        if value.data_type in integers and len(value.dims) >= 2 and value.name not in packed:
            whole, tensors = whole + int(np.prod(value.dims)), tensors + 1
    share = whole / max(whole + sum(sizes.values()), 1)
    facts: dict[str, Any] = {
        "bytes_before": len(before),
        "bytes_after": len(after),
        "operators": dict(sorted(Counter(node.op_type for node in graph.node).items())),
        "integer_tensors": tensors,
        "integer_share": share,
        "left_float": dict(sorted(floats.items())),
        "notes": [],
    }
    if share < LEAST:
        left = ", ".join(f"{name} ({size:,} weights)" for name, size in sizes.most_common())
        what = "nothing was quantised" if whole == 0 else f"only {share:.0%} of the weights became whole numbers"
        why = "; onnxruntime has no whole-number kernel for GRU" if "GRU" in sizes else ""
        raise UsageError(
            f"--quantize {step.text}: {what}, {left or 'there are no weights'} stayed in floating point{why}: choose "
            f"another method or network, or weights:{step.bits}, which is simulated"
        )
    if floats:
        left = ", ".join(f"{count} {name}" for name, count in sorted(floats.items()))
        facts["notes"].append(f"{left} stayed in floating point ({1 - share:.0%} of the weights)")
    promised, saved = whole * (4 - step.bits / 8), len(before) - len(after)
    if saved < (1 - SLACK) * promised - OVERHEAD * len(graph.node):
        facts["notes"].append(
            f"the file went from {len(before)} to {len(after)} bytes; {step.bits} bits would save {promised:.0f}"
        )
    elif saved <= 0:
        facts["notes"].append(
            f"the network is too small for whole numbers to pay: its file grew from {len(before)} to {len(after)} bytes"
        )
    return facts


def _user(graph: Any, name: str) -> str:
    """Return the operator that uses a tensor, past what gives it another shape; empty where none does."""
    for _ in range(MOST_SHAPING):
        node = next((node for node in graph.node if name in node.input), None)
        if node is None:
            return ""
        if node.op_type not in SHAPING:
            return str(node.op_type)
        name = node.output[0]
    return ""


def _k_times_n(node: Any) -> int:
    sizes = {entry.name: entry.i for entry in node.attribute}
    return int(sizes["K"] * sizes["N"])
