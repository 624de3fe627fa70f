"""How many decisions a change of the weights of a ReLU network can flip at most: exact, row by row.

Letters: W_l [in, out] and b_l are weights and biases of layer l, E_l and B_l the largest absolute errors of each, z_l
and a_l = max(z_l, 0) what the units of the unchanged network hold before and after ReLU (a_0 = x), e_l a bound on how
far a_l moves. e_0 = 0 and f_l = e_{l-1} (|W_l| + E_l) + |a_{l-1}| E_l + B_l bounds how far z_l moves; a unit that is on
moves no farther than that, one that is off has to reach 0 first: e_l = f_l where z_l >= 0, else max(0, f_l + z_l). The
last f is kappa, the reach of the logit. A row can flip only where its margin is at most kappa. Bounds multiply over
layers: with 8 bits they are useful, with 4 nearly vacuous, and they must be read beside the flips observed.

References:
    Weng et al. 2020, "Towards certificated model robustness against weight perturbations" (AAAI); differs in that
    every weight has its own error, every row its own activations, and units that stay off move nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.theory._embedding import Floats, Layers, embedded


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
            e = np.maximum(e + np.minimum(a, 0.0), 0.0)
            a = np.maximum(a, 0.0)
    reach: Floats = e[:, 0]
    return reach


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
