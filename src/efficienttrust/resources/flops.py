"""What counts as a floating-point operation, the same for torch modules and for ONNX files.

A multiply-add of a matrix product or a convolution is two operations; a bias is one per output. Everything else is
counted by its definition in elementary functions, each of which is one operation per element: + − × ÷, a comparison,
max, min, abs, exp, log, a root, a power, sin, tanh, erf, the sigmoid. A reduction costs one per element it reads.
Copies, views, look-ups, selections (`where`) and integer arithmetic on indices cost nothing. Zeros are multiplied like
any other number: unstructured sparsity saves nothing here, as it saves nothing in dense kernels.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

COMPOSITE: Mapping[str, float] = {
    "batch_norm": 2,  # scale and shift; both are fixed at inference
    "batch_norm_with_statistics": 6,  # mean; centre, square and add; scale and shift
    "celu": 5,  # as elu, with a division
    "clamp": 2,  # max, min
    "elu": 4,  # compare, exp, −, ×
    "gelu": 5,  # x · 0.5 · (1 + erf(x / √2))
    "gelu_tanh": 9,  # x · 0.5 · (1 + tanh(√(2/π) · (x + 0.044715 · x · x · x)))
    "hardsigmoid": 4,  # +, max, min, ÷
    "hardswish": 5,  # hardsigmoid, ×
    "layer_norm": 5,  # mean; centre; square and add; scale (weight and bias apart)
    "leaky_relu": 2,  # compare, ×
    "log_sigmoid": 2,
    "log_softmax": 5,  # max, −, exp, +, −
    "mish": 5,  # x · tanh(softplus(x))
    "rms_norm": 3,  # square and add, scale (weight apart)
    "selu": 5,
    "silu": 2,  # x · sigmoid(x)
    "softmax": 5,  # max, −, exp, +, ÷
    "softplus": 3,  # exp, +, log
    "softsign": 3,
    "variance": 4,  # mean; centre, square and add
}
"""Operations per element of what is more than one elementary function, by its definition."""


class Cost(NamedTuple):
    """What one operator costs.

    Attributes:
        multiply_adds: Multiply-adds of matrix products and convolutions; two operations each.
        other: All other floating-point operations.
    """

    multiply_adds: float = 0.0
    other: float = 0.0

    @property
    def flops(self) -> float:
        """All floating-point operations."""
        return 2.0 * self.multiply_adds + self.other


@dataclass(frozen=True)
class FlopCount:
    """The floating-point operations of one forward pass, per row.

    Attributes:
        per_row: Operations for one row; a multiply-add counts as two.
        multiply_adds: Multiply-adds of products and convolutions for one row (what others call MACs).
        by_operator: Operations for one row by operator, dearest first; operators that cost nothing are left out.
        note: How it was counted when that was not by shapes alone; else empty.
    """

    per_row: float
    multiply_adds: float
    by_operator: Mapping[str, float]
    note: str = ""

    @classmethod
    def of(cls, costs: Iterable[tuple[str, Cost]], rows: int, note: str = "") -> FlopCount:
        """Add up (operator, cost) pairs of a pass over `rows` rows."""
        totals: dict[str, float] = {}
        multiply_adds = 0.0
        for operator, cost in costs:
            multiply_adds += cost.multiply_adds
            if cost.flops:
                totals[operator] = totals.get(operator, 0.0) + cost.flops
        dearest_first = sorted(totals, key=lambda name: (-totals[name], name))
        by_operator = {name: totals[name] / rows for name in dearest_first}
        return cls(math.fsum(totals.values()) / rows, multiply_adds / rows, by_operator, note)


def attention_cost(batch: float, queries: int, keys: int, width: int, value_width: int) -> Cost:
    """Return the cost of scaled dot-product attention: Q·Kᵀ, the scaling of both by d^¼, softmax, and ·V.

    Args:
        batch: Rows × heads.
        queries: Positions of Q.
        keys: Positions of K and V.
        width: d, the width of a head's Q and K.
        value_width: Width of a head's V.
    """
    scores = batch * queries * keys
    scaling = batch * (queries + keys) * width
    return Cost(scores * (width + value_width), scaling + COMPOSITE["softmax"] * scores)


def recurrent_cost(kind: str, steps: float, inputs: int, hidden: int, biases: int = 2) -> Cost:
    """Return the cost of a recurrent layer in one direction.

    Args:
        kind: `lstm`, `gru` or `rnn`.
        steps: Rows × time steps.
        inputs: Width of the input.
        hidden: Width of the state.
        biases: Bias vectors per gate: 2 (of the input and of the state) or 0.
    """
    gates, other = _RECURRENT[kind]
    return Cost(steps * gates * hidden * (inputs + hidden), steps * hidden * (biases * gates + other))


_RECURRENT = {  # gates, and operations per unit beside the products and their biases
    "lstm": (4, 4 + 9),  # 4 sums; σ σ σ tanh; f·c + i·g; o·tanh(c)
    "gru": (3, 10),  # σ and sum for r and z; tanh(i + r·h); (h − n)·z + n
    "rnn": (1, 1 + 1),
}


def sorting_cost(elements: float, length: int) -> Cost:
    """Return the comparisons of sorting `elements` values in pieces of `length`: n·⌈log₂ length⌉."""
    return Cost(other=elements * math.ceil(math.log2(max(length, 2))))
