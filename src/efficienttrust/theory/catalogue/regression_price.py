"""T3: what demographic parity costs a regression in squared error, and the predictor that pays no more.

Letters: f the best predictor, Q_s the quantile function of its values in group s, w_s the share of the group,
Q = sum_s w_s Q_s the quantile function of the barycentre, F_s the distribution function, U the price of parity.

    U = sum_s w_s ∫ (Q_s - Q)^2,    g_0(x, s) = Q(F_s(f(x, s)))

as the best predictor of equal laws moves each group's law to their Wasserstein barycentre, which in one dimension
averages quantiles. g = sqrt(alpha) f + (1 - sqrt(alpha)) g_0 leaves alpha U of the unfairness and costs
(1 - sqrt(alpha))^2 U.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from efficienttrust.errors import UsageError
from efficienttrust.theory._bound import Bound
from efficienttrust.theory._frontier_rows import Floats
from efficienttrust.theory._result import Result, results

SOURCE = "Chzhen, Denis, Hebiri, Oneto and Pontil 2020; Chzhen and Schreuder 2022"
READING = "the group may be read at prediction"
PARITY = "parity means equal laws of the prediction in all groups, loss is squared error"


def dp_regression_price(
    pred_by_group: Sequence[ArrayLike],
    weights: ArrayLike,
    alpha: float = 0.0,
    *,
    sample_weight: Sequence[ArrayLike] | None = None,
    best_known: bool = False,
) -> Bound:
    """Return how much demographic parity adds to the squared error, and the predictions that have it.

    Args:
        pred_by_group: Predictions of the best unconstrained predictor, one array [n_s] for each group.
        weights: Weight of each group; they are scaled to add up to 1.
        alpha: Share of the unfairness U that may stay, within [0, 1].
        sample_weight: Weights of the rows of each group [n_s].
        best_known: The predictions are E[Y | x, s] itself, of exactly these rows; then the price is `exact`.

    Returns:
        The price. `details`: `transformed`, the predictions by group, in the order given; `unfairness` U; `atoms`, the
        largest mass of equal predictions by group; `jitter`, the mean variance that rows need within what they share.
        A law with atoms is moved to another one only at random: a row of rank interval (c, c'] draws its new value as Q
        of a uniform rank in it. `transformed` is the mean of that draw, and `jitter` its mean variance; with distinct
        predictions it falls as 1/n².

    Raises:
        UsageError: No group, an empty one, values that are not finite, weights that do not fit, alpha out of range.
    """
    values = [_finite(f"predictions of group {place}", one) for place, one in enumerate(pred_by_group)]
    shares = _shares("weights", weights, len(values))
    if not 0 <= alpha <= 1:
        raise UsageError(f"alpha is {alpha}: the share of unfairness that stays lies within [0, 1]")
    if sample_weight is not None and len(sample_weight) != len(values):
        raise UsageError(f"sample_weight: give one array for each of the {len(values)} groups")
    masses = [
        np.full(len(one), 1 / len(one))
        if sample_weight is None
        else _shares(f"sample_weight of group {place}", sample_weight[place], len(one))
        for place, one in enumerate(values)
    ]
    unfairness, moved, atoms, jitter = _barycentre(values, masses, shares)
    kept = float(np.sqrt(alpha))
    nothing = "there is one group only, so parity asks for nothing" if len(values) < 2 else ""
    if not nothing and unfairness == 0:
        nothing = "the groups' predictions already have the same law"
    return Bound(
        value=(1 - kept) ** 2 * unfairness,
        kind="exact" if best_known else "estimate",
        assumptions=(
            "the predictions are E[Y | x, group]" if best_known else "the predictions are close to E[Y | x, group]",
            READING,
            PARITY,
        ),
        source=SOURCE,
        inputs={"n": tuple(map(len, values)), "weights": shares, "alpha": float(alpha)},
        vacuous=bool(nothing),
        reason=nothing,
        details={
            "transformed": [kept * f + (1 - kept) * g for f, g in zip(values, moved, strict=True)],
            "unfairness": unfairness,
            "atoms": atoms,
            "jitter": (1 - kept) ** 2 * jitter,
        },
    )


def gaussian_regression_price(means: ArrayLike, deviations: ArrayLike, weights: ArrayLike, alpha: float = 0.0) -> Bound:
    """Return the price where the best predictions are normal in each group: (1 - sqrt(alpha))^2 (Var m + Var s), exact.

    Args:
        means: Of the predictions of each group [G].
        deviations: Their standard deviations [G].
        weights: Weight of each group [G].
        alpha: Share of the unfairness that may stay, within [0, 1].
    """
    m, s = _finite("means", means), _finite("deviations", deviations)
    w = _shares("weights", weights, len(m))
    if len(s) != len(m) or s.min() < 0 or not 0 <= alpha <= 1:
        raise UsageError("give one mean and one deviation of at least 0 for each group, and alpha within [0, 1]")
    unfairness = float(w @ (m - w @ m) ** 2 + w @ (s - w @ s) ** 2)
    return Bound(
        value=(1 - float(np.sqrt(alpha))) ** 2 * unfairness,
        kind="exact",
        assumptions=("the best predictions are normal in each group", READING, PARITY),
        source=SOURCE,
        inputs={"means": m, "deviations": s, "weights": w, "alpha": float(alpha)},
        vacuous=unfairness == 0,
        reason="the groups' predictions have the same law" if unfairness == 0 else "",
        details={"unfairness": unfairness},
    )


def _barycentre(
    values: list[Floats], masses: list[Floats], shares: Floats
) -> tuple[float, list[Floats], list[float], float]:
    """Return U, the mean new value of each row, the largest atom of each group, and the mean variance within atoms.

    All quantile functions are steps, so on the union of their ranks everything is a finite sum.
    """
    orders = [np.argsort(one, kind="stable") for one in values]
    ends = [np.minimum(np.cumsum(mass[order]), 1.0) for mass, order in zip(masses, orders, strict=True)]
    for end in ends:
        end[-1] = 1.0
    ranks = np.unique(np.concatenate(ends))
    widths = np.diff(ranks, prepend=0.0)
    middle = ranks - widths / 2
    quantiles = np.array(
        [one[order][np.searchsorted(end, middle)] for one, order, end in zip(values, orders, ends, strict=True)]
    )
    average = shares @ quantiles
    unfairness = float(shares @ ((quantiles - average) ** 2 @ widths))
    first = np.concatenate([[0.0], np.cumsum(widths * average)])
    second = np.concatenate([[0.0], np.cumsum(widths * (average - average.mean()) ** 2)])
    grid = np.concatenate([[0.0], ranks])
    moved, atoms, jitter = [], [], 0.0
    for one, order, end, share in zip(values, orders, ends, shares, strict=True):
        _, start, count = np.unique(one[order], return_index=True, return_counts=True)
        upper = np.searchsorted(grid, end[start + count - 1])
        lower = np.concatenate([[0], upper[:-1]])
        mass = grid[upper] - grid[lower]
        some = np.where(mass > 0, mass, 1.0)
        mean = np.where(mass > 0, (first[upper] - first[lower]) / some, average[np.minimum(lower, len(average) - 1)])
        square = (second[upper] - second[lower]) / some
        spread = np.maximum(square - (mean - average.mean()) ** 2, 0.0)
        jitter += float(share * (mass @ spread))
        new = np.empty(len(one))
        new[order] = np.repeat(mean, count)
        moved.append(new)
        atoms.append(float(mass.max()))
    return unfairness, moved, atoms, jitter


def _finite(what: str, values: ArrayLike) -> Floats:
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or not len(found) or not np.isfinite(found).all():
        raise UsageError(f"{what}: give at least one number, all of them finite")
    return found


def _shares(what: str, weights: ArrayLike, k: int) -> Floats:
    found = np.asarray(weights, dtype=np.float64)
    if k == 0 or found.shape != (k,) or not np.isfinite(found).all() or found.min() < 0 or found.sum() == 0:
        raise UsageError(f"{what}: give one number of at least 0 for each of the {k} entries, at least one, not all 0")
    shares: Floats = found / found.sum()
    return shares


results.register("T3", "regression_price")(
    Result(
        code="T3",
        title="Price of demographic parity in regression",
        statement=(
            "Under squared error, the best predictor with equal laws in all groups costs "
            "U = sum_s w_s W2^2(law(f | s), barycentre) more than the best one f; in one dimension the barycentre has "
            "the quantile function Q = sum_s w_s Q_s, and g_0(x, s) = Q(F_s(f(x, s))) attains it. Leaving a share "
            "alpha of the unfairness costs (1 - sqrt(alpha))^2 U, attained by sqrt(alpha) f + (1 - sqrt(alpha)) g_0."
        ),
        assumptions=("f is E[Y | x, group]", READING, "no atoms, or a randomised predictor", PARITY),
        source=f"{SOURCE}. Differs in that laws with atoms and weights are exact, by randomised ranks",
        good_for="What equal distributions of a predicted number cost, and the transform that has them.",
        vacuous_when="There is one group, or the predictions have the same law in all groups already.",
        functions=("dp_regression_price", "gaussian_regression_price"),
        worked=lambda: gaussian_regression_price([0, 1], [1, 2], [1, 1], alpha=0.25),
        worked_text=(
            "Added squared error where predictions are N(0, 1) and N(1, 4) in two groups of equal size and a quarter "
            "of the unfairness stays."
        ),
    )
)
