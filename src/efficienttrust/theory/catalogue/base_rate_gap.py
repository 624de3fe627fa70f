"""T2: base rates that differ force errors on any rule whose selection rates do not.

Letters: p_a base rate of group a, r_a its selection rate, e_a its error, w_a its weight, delta the largest r_a less the
smallest.

Proof, for any number of groups: e_a >= |P(Y=1|a) - P(h=1|a)| = |p_a - r_a|, as the two events differ in errors alone.
All r_a lie in one window [u, u + delta], so sum_a w_a e_a >= min_u sum_a w_a dist(p_a, [u, u + delta]). The sum on the
right is convex and piecewise linear in u with kinks at p_a and p_a - delta, so the smallest of its 2 G values there is
the minimum. Of two groups it is min(w) (|p_1 - p_0| - delta)+ (Zhao and Gordon 2022). For two classes total variation
is |p - r|, and so for delta = 0 the minimum is at the barycentre of the laws of Y in it: a weighted median.

It is attained: where labels follow from the row, flip a share |p_a - r_a| of the rows of one class.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from efficienttrust.errors import UsageError
from efficienttrust.theory._bound import Bound
from efficienttrust.theory._frontier_rows import Floats
from efficienttrust.theory._result import Result, results

SOURCE = "Zhao and Gordon 2022 for two groups; own closed form for more"
ROUNDING = 1e-12
"""Base rates that differ by this much more than is allowed are taken to differ by no more."""
ASSUMPTIONS = ("base rates, errors and selection rates are of the same rows or the same law",)


def joint_error_lower_bound(base_rates: ArrayLike, dpd: float = 0.0, group_weights: ArrayLike | None = None) -> Bound:
    """Return the least error of any rule whose demographic parity difference is at most `dpd`: any model, any compute.

    Args:
        base_rates: P(Y = 1) of each group [G].
        dpd: Largest selection rate of a group less the smallest, within [0, 1].
        group_weights: Weight of each group [G]: with shares of the rows it is the error over all rows. None: the plain
            sum of the groups' errors.

    Returns:
        A `lower` bound; vacuous where it is 0. `details["rates"]` are selection rates [G] at which it is attained.
    """
    rates, gap = _base_rates(base_rates), _gap(dpd)
    weights = np.ones(len(rates)) if group_weights is None else _weights(group_weights, len(rates))
    value, chosen = _least(rates, weights, gap)
    return Bound(
        value=value,
        kind="lower",
        assumptions=ASSUMPTIONS,
        source=SOURCE,
        inputs={"base_rates": rates, "dpd": gap, "group_weights": None if group_weights is None else weights},
        vacuous=value == 0,
        reason=_reason(rates, gap) if value == 0 else "",
        details={"rates": chosen},
    )


def base_rate_bound(base_rates: ArrayLike, weights: ArrayLike, dpd: float = 0.0) -> Bound:
    """Return the highest accuracy over all rows of any rule whose demographic parity difference is at most `dpd`.

    Args:
        base_rates: P(Y = 1) of each group [G].
        weights: Weight of each group [G], such as its rows.
        dpd: Largest selection rate of a group less the smallest, within [0, 1].

    Returns:
        An `upper` bound; vacuous where it is 1. `details`: `worst_group_accuracy`, an upper bound on the lowest
        accuracy of a group, 1 - (gap - dpd)+ / 2; `extreme_pair`, the bound by the groups of the highest and lowest
        base rate alone, which is never the lower one; `rates` [G] at which the bound is attained.
    """
    rates, gap = _base_rates(base_rates), _gap(dpd)
    shares = _weights(weights, len(rates))
    shares = shares / shares.sum()
    error, chosen = _least(rates, shares, gap)
    excess = max(0.0, float(np.ptp(rates)) - gap)
    return Bound(
        value=1 - error,
        kind="upper",
        assumptions=ASSUMPTIONS,
        source=SOURCE,
        inputs={"base_rates": rates, "weights": shares, "dpd": gap},
        vacuous=error == 0,
        reason=_reason(rates, gap) if error == 0 else "",
        details={
            "worst_group_accuracy": 1 - excess / 2,
            "extreme_pair": 1 - float(min(shares[rates.argmin()], shares[rates.argmax()])) * excess,
            "rates": chosen,
        },
    )


def _least(rates: Floats, weights: Floats, gap: float) -> tuple[float, Floats]:
    """Return min_u sum_a w_a dist(p_a, [u, u + gap]) and the rates clipped to that window."""
    if np.ptp(rates) <= gap + ROUNDING:
        return 0.0, rates
    starts = np.clip(np.concatenate([rates, rates - gap]), 0, 1 - gap)
    clipped = np.clip(rates, starts[:, None], starts[:, None] + gap)
    sums = np.abs(rates - clipped) @ weights
    best = int(sums.argmin())
    return float(sums[best]), clipped[best]


def _reason(rates: Floats, gap: float) -> str:
    if len(rates) < 2:
        return "there is one group only, so no gap between groups is defined"
    if np.ptp(rates) > gap + ROUNDING:
        return "the groups whose base rates stand apart have no weight"
    return f"base rates differ by {np.ptp(rates):.4g}, no more than the allowed gap {gap:.4g}"


def _base_rates(base_rates: ArrayLike) -> Floats:
    rates = np.asarray(base_rates, dtype=np.float64)
    if rates.ndim != 1 or not len(rates):
        raise UsageError(f"base_rates have the shape {rates.shape}: give one rate for each group, [G]")
    if not (rates.min() >= 0 and rates.max() <= 1):
        raise UsageError("base_rates hold values outside [0, 1]: give P(Y = 1) of each group")
    return rates


def _gap(dpd: float) -> float:
    if not 0 <= dpd <= 1:
        raise UsageError(f"dpd is {dpd}: an allowed gap lies within [0, 1]")
    return float(dpd)


def _weights(weights: ArrayLike, k: int) -> Floats:
    found = np.asarray(weights, dtype=np.float64)
    if found.shape != (k,) or not np.isfinite(found).all() or found.min() < 0 or found.sum() == 0:
        raise UsageError(f"group weights: give {k} numbers of at least 0, one for each base rate, not all 0")
    return found


results.register("T2", "base_rate_gap")(
    Result(
        code="T2",
        title="Base-rate gap: errors that demographic parity forces",
        statement=(
            "For every rule h, sum_a w_a err_a(h) >= min_u sum_a w_a dist(p_a, [u, u + DPD(h)]): base rates outside of "
            "a window as wide as the demographic parity difference are paid for in errors. For two groups: "
            "err_0 + err_1 >= |p_1 - p_0| - DPD, and err >= min(w) (|p_1 - p_0| - DPD)."
        ),
        assumptions=ASSUMPTIONS,
        source=f"{SOURCE}, attained where labels follow from the row",
        good_for=(
            "Refuse a pair of targets (accuracy and demographic parity) before training: it needs base rates alone and "
            "holds for any model, any compute and any number of rows."
        ),
        vacuous_when="The base rates differ by no more than the allowed gap. With noisy labels T1 is sharper.",
        functions=("joint_error_lower_bound", "base_rate_bound"),
        worked=lambda: base_rate_bound([0.114, 0.312], [0.325, 0.675], 0.05),
        worked_text="Highest accuracy on Adult (sex; shares and base rates rounded) at a parity difference of 0.05.",
    )
)
