"""How fast the logit of a ReLU network can change, and the radius around each row within which no decision flips.

Letters: W_l [in, out] the weights of layer l, q the dual of the attacker's norm, z the logit.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from efficienttrust.errors import UsageError
from efficienttrust.theory._arguments import matrix
from efficienttrust.theory._attack_norms import AttackNorm, dual_sizes
from efficienttrust.theory._bound import Bound
from efficienttrust.theory._embedding import Floats, Layers


def lipschitz_constant(layers: Layers, norm: AttackNorm = "l2") -> Bound:
    """Return an upper bound of |z(x) - z(x')| / |x - x'| of a ReLU network: exact for a linear model.

    Math: the smaller of two bounds. The product of the layers' operator norms (spectral for l2, largest sum of |W|
    over a column for linf and over a row for l1); and |u|_q of u = |W_1| |W_2| ... |W_L|, as a slope of ReLU lies
    between 0 and 1.

    Args:
        layers: One `(W [in, out], b [out])` per layer; the last has one output.
        norm: AttackNorm in which rows are compared.

    References:
        Szegedy et al. 2014 (the product); differs in that the bound by absolute weights is taken where it is smaller.
    """
    if not layers:
        raise UsageError("a network without layers has no slope: give one (W, b) per layer")
    weights = [np.asarray(w, dtype=np.float64) for w, _ in layers]
    if weights[-1].shape[1] != 1:
        raise UsageError(f"the last layer has {weights[-1].shape[1]} outputs: the bound is for one logit")
    path = np.abs(weights[0])
    for w in weights[1:]:
        path = path @ np.abs(w)
    by_path = float(dual_sizes(path[:, 0], norm))
    product = math.prod(_operator_norm(w, norm) for w in weights)
    return Bound(
        value=min(product, by_path),
        kind="exact" if len(layers) == 1 else "upper",
        assumptions=("plain layers with ReLU between them",),
        source="Szegedy et al. 2014",
        inputs={"layers": [w.shape for w in weights], "norm": norm},
        details={"product": product, "path": by_path},
    )


def certified_radius(layers: Layers, x: ArrayLike, norm: AttackNorm = "l2", thresholds: ArrayLike = 0.0) -> Bound:
    """Return how far each row can be moved at least before its decision changes: |z - threshold| / Lipschitz constant.

    Exact for a linear model (whose decision does change just beyond), a lower bound for a network.

    Args:
        layers: The network.
        x: Encoded rows [n, d].
        norm: AttackNorm in which rows are moved.
        thresholds: Threshold of the logit, one or one per row.

    Returns:
        Radii [n]; infinite for a constant model. Vacuous where every radius is 0.
    """
    slope = lipschitz_constant(layers, norm)
    margins = np.abs(logit(layers, matrix(x)) - np.asarray(thresholds, dtype=np.float64))
    steepest = float(slope)
    radii = margins / steepest if steepest > 0 else np.where(margins > 0, math.inf, 0.0)
    nothing = not (radii > 0).any()
    return Bound(
        value=radii,
        kind="exact" if slope.kind == "exact" else "lower",
        assumptions=slope.assumptions,
        source="Hein and Andriushchenko 2017; Tsuzuku et al. 2018",
        inputs={"rows": len(margins), "norm": norm},
        vacuous=nothing,
        reason="no row has a margin" if nothing else "",
        details={"lipschitz": steepest},
    )


def logit(layers: Layers, x: NDArray[Any]) -> Floats:
    """Return the logit of each row, float64 [n]."""
    a: Floats = np.asarray(x, dtype=np.float64)
    for place, (w, b) in enumerate(layers):
        a = a @ np.asarray(w, dtype=np.float64) + b
        if place < len(layers) - 1:
            a = np.maximum(a, 0.0)
    scores: Floats = a[:, 0]
    return scores


def _operator_norm(w: Floats, norm: str) -> float:
    """Return max |a W| / |a| of a layer, both in the same norm."""
    if norm == "l2":
        return float(np.linalg.norm(w, 2))
    return float(np.abs(w).sum(axis=0 if norm == "linf" else 1).max())
