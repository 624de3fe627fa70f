"""How many decisions a change of the weights of a ReLU network can flip at most: exact, row by row.

Letters: W_l [in, out] and b_l are weights and biases of layer l, E_l and B_l the largest absolute errors of each, a_l
the activations of the unchanged network (a_0 = x), e_l a bound on how far they move. As ReLU moves nothing farther
apart, e_0 = 0 and e_l = e_{l-1} (|W_l| + E_l) + |a_{l-1}| E_l + B_l; the last one is kappa, the reach of the logit. A
row can flip only where its margin is at most kappa. Bounds multiply over layers: with 8 bits they are useful, with 4
nearly vacuous, and they must be read beside the flips observed.

References:
    Weng et al. 2020, "Towards certificated model robustness against weight perturbations" (AAAI); differs in that
    every weight has its own error and every row its own activations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Layers = Sequence[tuple[NDArray[Any], NDArray[Any]]]
"""One `(W [in, out], b [out])` per layer, as in `efficienttrust.compression.NetworkScorer`."""


def weight_errors(layers: Layers, changed: Layers) -> list[tuple[Floats, Floats]]:
    """Return |W - W'| and |b - b'| of each layer; pruned hidden units are matched by `embedded` first."""
    pairs = zip(layers, embedded(layers, changed), strict=True)
    return [(np.abs(_wide(w) - v), np.abs(_wide(b) - c)) for (w, b), (v, c) in pairs]


def rounding_errors(layers: Layers, bits: int) -> list[tuple[Floats, Floats]]:
    """Return the largest error of symmetric rounding of the weights of each layer to `bits` bits; biases stay.

    Math: half a step of 2^b - 2 steps over [-R, R], R = max |W|: R / (2^b - 2).
    """
    if bits < 2:
        raise ValueError(f"symmetric rounding needs at least 2 bits, not {bits}")
    return [(np.full(w.shape, np.abs(_wide(w)).max(initial=0.0) / (2**bits - 2)), np.zeros(b.shape)) for w, b in layers]


def perturbation_reach(layers: Layers, errors: Layers, x: NDArray[Any]) -> Floats:
    """Return kappa: how far the logit of each row can move, float64 [n], at least 0.

    Holds in exact arithmetic; sums in float32 add about 1e-6 of the logit.

    Args:
        layers: The unchanged network.
        errors: Largest absolute error of every weight and bias, in the same shapes.
        x: Encoded rows [n, d].
    """
    a = _wide(x)
    e = np.zeros_like(a)
    for place, ((w, b), (error, offset)) in enumerate(zip(layers, errors, strict=True)):
        e = e @ (np.abs(_wide(w)) + error) + np.abs(a) @ error + offset
        a = a @ _wide(w) + b
        if place < len(layers) - 1:
            a = np.maximum(a, 0.0)
    reach: Floats = e[:, 0]
    return reach


def embedded(layers: Layers, changed: Layers) -> list[tuple[Floats, Floats]]:
    """Return a network with removed hidden units in the shapes of the original, its function unchanged.

    A unit that is not there is one with zero weights in and out, wherever it stands; so any place gives a valid bound.
    Each unit takes the place of the original one whose incoming weights are nearest, by the best assignment.

    Raises:
        ValueError: Another number of layers, inputs or outputs, or a wider layer.
    """
    if len(layers) != len(changed):
        raise ValueError(f"the networks have {len(layers)} and {len(changed)} layers: no bound by weights applies")
    from scipy.optimize import linear_sum_assignment

    found, kept = [], np.arange(layers[0][0].shape[0])
    for place, ((w, b), (v, c)) in enumerate(zip(layers, changed, strict=True)):
        if v.shape[0] != len(kept) or v.shape[1] > w.shape[1] or (place == len(layers) - 1 and v.shape[1] < w.shape[1]):
            raise ValueError(f"layer {place} has the shape {v.shape}, which is not part of {w.shape}")
        rows = np.zeros((w.shape[0], v.shape[1]))
        rows[kept] = v
        kept = np.arange(w.shape[1])
        if v.shape[1] < w.shape[1]:
            distance = [np.abs(_wide(w) - rows[:, [unit]]).sum(axis=0) + np.abs(_wide(b) - c[unit])
                        for unit in range(v.shape[1])]  # fmt: skip
            kept = linear_sum_assignment(np.array(distance).reshape(v.shape[1], w.shape[1]))[1]
        full, bias = np.zeros(w.shape), np.zeros(b.shape)
        full[:, kept], bias[kept] = rows, c
        found.append((full, bias))
    return found


@dataclass(frozen=True)
class FlipBound:
    """What can become of the decisions on n rows; shares of rows, weights play no part.

    Attributes:
        n: Rows.
        undecided: Share of rows that can flip: an upper bound on the share of flips.
        error_low: Lower bound of the change in the error rate; 0 or less.
        error_high: Upper bound of it; 0 or more. NaN both without labels.
        groups: [G] share of rows of each group that can flip; NaN for a group without rows.
        gap: Difference between the highest and the lowest share of decisions 1 over groups now; NaN without two.
        gap_low: Lower bound of it afterwards.
        gap_high: Upper bound of it afterwards.
    """

    n: int
    undecided: float
    error_low: float
    error_high: float
    groups: tuple[float, ...]
    gap: float
    gap_low: float
    gap_high: float


def bound_flips(
    margins: NDArray[Any],
    reach: NDArray[Any],
    *,
    y: NDArray[Any] | None = None,
    groups: NDArray[np.int64] | None = None,
    k: int = 0,
) -> FlipBound:
    """Return bounds on flips, on the change in error and on the demographic parity difference.

    Args:
        margins: Signed margins of the unchanged model [n]; it decides 1 where they are above 0.
        reach: How far each margin can move [n]: `perturbation_reach`, plus the change of a threshold.
        y: Labels 0 or 1 [n].
        groups: Codes [n], -1 unknown.
        k: Number of groups.
    """
    m, far = _wide(margins), _wide(reach)
    positive, may = m > 0, (np.abs(m) <= far) & (far > 0)
    low = high = float("nan")
    if y is not None and len(m):
        right = positive == (np.asarray(y) == 1)
        low, high = -float((may & ~right).mean()), float((may & right).mean())
    parts = [np.flatnonzero(groups == code) for code in range(k)] if groups is not None else []
    shares = tuple(float(may[rows].mean()) if len(rows) else float("nan") for rows in parts)
    present = [rows for rows in parts if len(rows)]
    gaps = (float("nan"),) * 3
    if len(present) > 1:
        rate = np.array([positive[rows].mean() for rows in present])
        least = np.array([(positive & ~may)[rows].mean() for rows in present])
        most = np.array([(positive | may)[rows].mean() for rows in present])
        gaps = (float(np.ptp(rate)), max(0.0, float(least.max() - most.min())), _widest(least, most))
    return FlipBound(len(m), float(may.mean()) if len(m) else float("nan"), low, high, shares, *gaps)


def _widest(least: Floats, most: Floats) -> float:
    """Return the largest difference between the highest rate of one group and the lowest of another."""
    differences = most[:, None] - least[None, :]
    np.fill_diagonal(differences, 0.0)
    return max(0.0, float(differences.max()))


def _wide(values: NDArray[Any]) -> Floats:
    return np.asarray(values, dtype=np.float64)
