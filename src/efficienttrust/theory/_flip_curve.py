"""The flip bound of a network over numbers of bits or over shares of pruned weights, and under attack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from efficienttrust.errors import UsageError
from efficienttrust.theory._arguments import column, matrix, not_negative
from efficienttrust.theory._attack_norms import AttackNorm, dual_sizes
from efficienttrust.theory._bound import Bound
from efficienttrust.theory._embedding import Floats, Layers
from efficienttrust.theory._lipschitz import logit
from efficienttrust.theory.flip_bound import FlipBound, bound_flips, perturbation_reach, rounding_errors

SOURCE = "Weng et al. 2020; differs in that errors are by weight, activations by row, and units that stay off count"
ASSUMPTIONS = ("plain layers with ReLU between them", "arithmetic is exact (float32 adds about 1e-6 of the logit)")


@dataclass(frozen=True, eq=False)
class FlipCurve:
    """What compressions of one network can do to its decisions on n rows, one entry per setting.

    Attributes:
        settings: Bits, or shares of weights that are pruned.
        flips: Largest share of decisions that can flip [m], upper; vacuous where every row can flip at every setting.
        accuracy: Largest change of the accuracy in either direction [m], upper; NaN without labels.
        gap: Largest change of the demographic parity difference [m], upper; NaN without two groups.
        bounds: The full bound of each setting, by group.
    """

    settings: tuple[float, ...]
    flips: Bound
    accuracy: Bound
    gap: Bound
    bounds: tuple[FlipBound, ...]


def flip_curve(
    layers: Layers,
    x: ArrayLike,
    *,
    bits: Sequence[int] = (),
    sparsities: Sequence[float] = (),
    thresholds: ArrayLike = 0.0,
    y: ArrayLike | None = None,
    groups: ArrayLike | None = None,
) -> FlipCurve:
    """Return what rounding to `bits`, or pruning the smallest weights of all layers, can flip at most.

    Args:
        layers: The network, as `NetworkScorer.layers` of a run.
        x: Encoded rows [n, d].
        bits: Numbers of bits of symmetric rounding; either these or `sparsities`.
        sparsities: Shares in [0, 1] of the weights that become 0.
        thresholds: Thresholds of the logit, one or one per row (as of groups).
        y: Labels 0 or 1 [n].
        groups: Codes [n], -1 unknown.
    """
    if bool(len(bits)) == bool(len(sparsities)):
        raise UsageError("give either bits or sparsities, one number or more")
    rows = matrix(x)
    margins = logit(layers, rows) - np.asarray(thresholds, dtype=np.float64)
    codes = None if groups is None else column("groups", groups, len(rows), np.int64)
    labels = None if y is None else column("y", y, len(rows))
    errors = [rounding_errors(layers, b) for b in bits] + [pruning_errors(layers, share) for share in sparsities]
    count = 0 if codes is None else int(codes.max(initial=-1)) + 1
    bounds = tuple(
        bound_flips(margins, perturbation_reach(layers, error, rows), y=labels, groups=codes, k=count)
        for error in errors
    )
    settings = tuple(float(value) for value in (*bits, *sparsities))
    inputs = {"rows": len(rows), "bits" if len(bits) else "sparsities": settings}

    def upper(values: list[float], what: str) -> Bound:
        nothing = all(value >= 1 for value in values)
        reason = f"{what} of every setting is bounded by 1 only" if nothing else ""
        return Bound(np.array(values), "upper", ASSUMPTIONS, SOURCE, inputs, nothing, reason)

    return FlipCurve(
        settings=settings,
        flips=upper([bound.undecided for bound in bounds], "the share of flips"),
        accuracy=upper([max(-b.error_low, b.error_high) for b in bounds], "the change in accuracy"),
        gap=upper([max(b.gap_high - b.gap, b.gap - b.gap_low) for b in bounds], "the change of the gap"),
        bounds=bounds,
    )


def pruning_errors(layers: Layers, share: float) -> list[tuple[Floats, Floats]]:
    """Return the error of every weight where the smallest `share` of all layers' weights become 0; biases stay."""
    if not 0 <= share <= 1:
        raise UsageError(f"the share of pruned weights is {share}: give a number between 0 and 1")
    sizes = [np.abs(np.asarray(w, dtype=np.float64)) for w, _ in layers]
    order = np.argsort(np.concatenate([size.ravel() for size in sizes]), kind="stable")
    zero = np.zeros(len(order), dtype=bool)
    zero[order[: round(share * len(order))]] = True
    parts = np.split(zero, np.cumsum([size.size for size in sizes])[:-1])
    return [
        (np.where(part.reshape(size.shape), size, 0.0), np.zeros(np.shape(b)))
        for part, size, (_, b) in zip(parts, sizes, layers, strict=True)
    ]


def robust_flip_bound(
    layers: Layers,
    errors: Layers,
    x: ArrayLike,
    y: ArrayLike,
    eps: float,
    *,
    norm: AttackNorm = "linf",
    threshold: float = 0.0,
    groups: NDArray[Any] | None = None,
) -> FlipBound:
    """Return what a change of a linear model's weights can do to its answers under the strongest attack of size eps.

    A row stands the attack where s (z - t) > eps |w|_q, s = ±1 its label; this margin moves by at most kappa + eps
    |E|_q. In the result a decision is "stands the attack" (1) or not, so `error_*` bound the change of the robust error
    and `gap*` that of the difference in robust accuracy between groups.

    Args:
        layers: One layer `(w [d, 1], b [1])`.
        errors: Largest absolute errors, in the same shapes.
        x: Encoded rows [n, d].
        y: Labels 0 or 1 [n].
        eps: Size of the attack.
        norm: AttackNorm of the attack.
        threshold: Threshold of the logit.
        groups: Codes [n], -1 unknown.
    """
    if len(layers) != 1:
        raise UsageError(f"a network of {len(layers)} layers has no exact margin under attack: give a linear model")
    rows = matrix(x)
    labels = column("y", y, len(rows))
    (w, _), (error, _) = layers[0], errors[0]
    size = not_negative("eps", eps)
    stands = np.where(labels == 1, 1.0, -1.0) * (logit(layers, rows) - threshold) - size * dual_sizes(np.ravel(w), norm)
    reach = perturbation_reach(layers, errors, rows) + size * dual_sizes(np.ravel(error), norm)
    k = 0 if groups is None else int(np.max(groups, initial=-1)) + 1
    return bound_flips(stands, reach, y=np.ones(len(rows)), groups=groups, k=k)
