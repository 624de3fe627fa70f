"""Robust risk of linear models without any attack: exact on data, in closed form on Gaussians, with the Pareto front.

Letters: a rule decides positive where z = w.x + b > 0; eps the attack, q the dual of its norm; s = +-1 the label.
Holder: the worst that an attack of size eps does to s z is eps |w|_q, and it can do that to every row.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from efficienttrust.errors import UsageError
from efficienttrust.theory._arguments import column, matrix, not_negative, positive, whole
from efficienttrust.theory._attack_norms import AttackNorm, dual_sizes, nearest_in_ball
from efficienttrust.theory._bound import Bound
from efficienttrust.theory._embedding import Floats
from efficienttrust.theory._gaussian_groups import gaussian_groups
from efficienttrust.theory._result import Result, results
from efficienttrust.theory._row_reach import score_shift

if TYPE_CHECKING:
    from efficienttrust.data import Domain

SOURCE = "Hölder's inequality; Javanmard et al. 2020 (regression)"


def label_signs(y: ArrayLike, n: int) -> Floats:
    """Return +-1 for labels 0/1 or -1/1 [n], or say what is wrong."""
    labels: Floats = column("y", y, n)
    if not np.isin(labels, (-1.0, 0.0, 1.0)).all() or {-1.0, 0.0} <= set(labels):
        raise UsageError("y holds other labels than 0 and 1, or -1 and 1: a robust error of two classes needs these")
    return np.where(labels > 0, 1.0, -1.0)


def linear_robust_error(
    w: ArrayLike,
    b: float,
    x: ArrayLike,
    y: ArrayLike,
    eps: float,
    norm: AttackNorm = "linf",
    domain: Domain | None = None,
) -> Bound:
    """Return the robust error of a linear rule on rows, without an attack.

    A row counts as wrong where some point of its region is decided wrongly; a score of exactly 0 decides negative, as
    everywhere in this package (the source counts it as wrong).

    Args:
        w: Weights [d].
        b: Bias.
        x: Rows [n, d].
        y: Labels, 0/1 or -1/1 [n].
        eps: Size of the attack; in training-set standard deviations where there is a domain.
        norm: Norm of the attack.
        domain: Of a table: only mutable numeric cells move, in their range and in whole units.

    Returns:
        Share of wrong rows. `exact` without a domain, and with one under linf without relations; else `upper`, as
        whole units inside an l1 or l2 ball and relations between columns are ignored. `details`: `clean` error,
        `margins` [n] of the rows under attack, `wrong` bool [n].
    """
    rows = matrix(x)
    weights: Floats = column("w", w, rows.shape[1])
    signs = label_signs(y, len(rows))
    not_negative("eps", eps)
    pull = float(dual_sizes(weights, norm))  # refuses an unknown norm
    margins = signs * (rows @ weights + float(b))
    exact = domain is None or (domain.relations is None and (norm == "linf" or not (domain.step > 0).any()))
    worst = margins - (eps * pull if domain is None else score_shift(domain, rows, signs, weights, eps, norm))

    def wrong(margin: Floats) -> NDArray[np.bool_]:
        is_wrong: NDArray[np.bool_] = np.where(signs > 0, margin <= 0, margin < 0)
        return is_wrong

    return Bound(
        value=float(wrong(worst).mean()),
        kind="exact" if exact else "upper",
        assumptions=(
            "these rows, each moved within eps" if domain is None else "these rows, each moved in its domain",
        ),
        source=SOURCE,
        inputs={"rows": len(rows), "columns": rows.shape[1], "eps": eps, "norm": norm, "domain": domain is not None},
        details={"clean": float(wrong(margins).mean()), "margins": worst, "wrong": wrong(worst)},
    )


@dataclass(frozen=True, eq=False)
class LinearFront:
    """All linear rules on two Gaussian classes that no other one beats in standard and robust error at once.

    Attributes:
        c: [m] which share of eps each rule is prepared for.
        w: [m, d] weights of length 1; the bias is 0.
        standard: Errors without an attack [m], rising.
        robust: Errors under attack [m], falling.
    """

    c: Floats
    w: Floats
    standard: Bound
    robust: Bound


def linear_pareto_front(
    mu: ArrayLike, eps: float, norm: AttackNorm = "linf", points: int = 41, sigma: float = 1.0
) -> LinearFront:
    """Return the exact front of standard against robust error on y = +-1, x ~ N(y mu, sigma^2 I), balanced.

    Math: the rules mu - (nearest point of the ball of radius c eps), c in [0, 1]. Both margins w.mu and w.mu - eps
    |w|_q are concave on the unit ball, so weighted sums find every efficient rule, and these are their maximisers.

    Args:
        mu: Mean of the positive class [d]; that of the other is -mu.
        eps: Size of the attack, below the separation.
        norm: Norm of the attack.
        points: Number of rules, at least 2.
        sigma: Standard deviation of every column within a class.

    Raises:
        UsageError: eps reaches the other class: no rule is better than a constant under attack.
    """
    from scipy.special import ndtr

    mean = np.asarray(mu, dtype=np.float64)
    if mean.ndim != 1 or not mean.size or not np.isfinite(mean).all():
        raise UsageError(f"mu has the shape {mean.shape}: give one finite number for each column")
    not_negative("eps", eps)
    if np.linalg.norm(mean - nearest_in_ball(mean, eps, norm)) <= 1e-12 * np.linalg.norm(mean):
        raise UsageError(f"an attack of {eps:g} moves the classes onto each other: choose a smaller eps")
    c = np.linspace(0.0, 1.0, whole("points", points, least=2))
    w = np.stack([mean - nearest_in_ball(mean, share * eps, norm) for share in c])
    w /= np.linalg.norm(w, axis=1, keepdims=True)
    reach = eps * dual_sizes(w, norm)
    inputs = {"mu": mean, "eps": eps, "norm": norm, "points": points, "sigma": sigma}

    def exact(margins: Floats) -> Bound:
        errors = ndtr(-margins / positive("sigma", sigma))
        return Bound(errors, "exact", ("two balanced Gaussian classes", "linear rules"), "scalarisation", inputs)

    return LinearFront(c, w, exact(w @ mean), exact(w @ mean - reach))


def adversarial_regression_risk(
    theta: ArrayLike, theta0: ArrayLike, noise_variance: float, eps: float, norm: AttackNorm = "l2"
) -> Bound:
    """Return the squared error of a linear regression under attack, for x ~ N(0, I), y = theta0.x + noise.

    Math: SR + eps^2 |theta|_q^2 + 2 sqrt(2 / pi) eps |theta|_q sqrt(SR) with SR = noise_variance + |theta - theta0|^2.

    Args:
        theta: Weights of the model [d].
        theta0: True weights [d].
        noise_variance: Variance of the normal noise.
        eps: Size of the attack on each row.
        norm: Norm of the attack.

    Returns:
        The risk; `details["standard"]` is SR.
    """
    model: Floats = np.asarray(theta, dtype=np.float64)
    true: Floats = column("theta0", theta0, len(model))
    standard = not_negative("noise_variance", noise_variance) + float((model - true) @ (model - true))
    pull = not_negative("eps", eps) * float(dual_sizes(model, norm))
    return Bound(
        value=standard + pull**2 + 2 * math.sqrt(2 / math.pi) * pull * math.sqrt(standard),
        kind="exact",
        assumptions=("standard normal columns, linear truth, normal noise",),
        source="Javanmard et al. 2020; differs in that the norm is any of three",
        inputs={"theta": model, "theta0": true, "noise_variance": noise_variance, "eps": eps, "norm": norm},
        details={"standard": standard},
    )


@dataclass(frozen=True, eq=False)
class GroupMetrics:
    """Metrics of linear rules on Gaussian groups, all exact; numbers for one rule, arrays [m] for m of them.

    Attributes:
        accuracy: Share of right decisions.
        robust_accuracy: Share of rows that no attack turns wrong.
        dpd: Largest difference of the groups' selection rates.
        eod: Largest difference of their true or false positive rates.
    """

    accuracy: Bound
    robust_accuracy: Bound
    dpd: Bound
    eod: Bound


def gaussian_group_metrics(
    w: ArrayLike,
    b: ArrayLike,
    means: ArrayLike,
    covariance: ArrayLike,
    pi: ArrayLike,
    p: ArrayLike,
    eps: float = 0.0,
    norm: AttackNorm = "linf",
) -> GroupMetrics:
    """Return accuracy, robust accuracy and gaps of linear rules on Gaussian groups, in closed form.

    Args:
        w: Weights [d], or [m, d] of m rules.
        b: Bias, or [m].
        means: [G, 2, d], of class 0 and 1 in each group.
        covariance: [d, d], common to all cells, or [G, 2, d, d].
        pi: Shares of the groups [G].
        p: P(y = 1 | a) [G].
        eps: Size of the attack on each row.
        norm: Norm of the attack.
    """
    from scipy.special import ndtr

    world = gaussian_groups(means, covariance, pi, p)
    weights, biases = np.asarray(w, dtype=np.float64), np.asarray(b, dtype=np.float64)
    d = world.means.shape[2]
    if weights.shape[-1:] != (d,) or weights.ndim > 2 or biases.shape != weights.shape[:-1]:
        raise UsageError(
            f"w and b have the shapes {weights.shape} and {biases.shape}: give [{d}] and a number, or m each"
        )
    rules, offsets = np.atleast_2d(weights), np.atleast_1d(biases)
    losses = world.losses(rules, offsets, not_negative("eps", eps), norm)
    rates = ndtr(world.cells(rules, offsets, 0.0, norm).centre)
    inputs = {"means": world.means, "covariance": world.covariance, "joint": world.joint, "eps": eps, "norm": norm}

    def exact(values: Floats) -> Bound:
        value: Any = values if weights.ndim == 2 else float(values[0])
        return Bound(value, "exact", ("Gaussian classes in every group, all known",), "closed form", inputs)

    return GroupMetrics(
        accuracy=exact(1 - losses[:, 0]),
        robust_accuracy=exact(1 - losses[:, 1]),
        dpd=exact(losses[:, 2]),
        eod=exact(np.ptp(rates, axis=1).max(axis=1)),
    )


results.register("T5", "linear_robustness")(
    Result(
        code="T5",
        title="Robust risk of linear models without an attack",
        statement=(
            "The robust error of sign(w.x + b) on any rows is the share with y(w.x + b) <= eps|w|_q, 1/p + 1/q = 1; on "
            "a table under linf, the share with y(w.x + b) <= sum of |w_j| times the room of cell j. On two balanced "
            "classes N(+-mu, sigma^2 I) the efficient linear rules are exactly mu minus its nearest point in the ball "
            "of radius c eps, c in [0, 1]. Linear regression on x ~ N(0, I): SR + eps^2|theta|_q^2 + 2 sqrt(2/pi) eps "
            "|theta|_q sqrt(SR)."
        ),
        assumptions=(
            "a linear model",
            "closed forms beyond the given rows: Gaussian classes with known means and covariances",
        ),
        source=SOURCE,
        good_for=(
            "Judges linear models without an attack, and tests attacks: none may find more, good ones find as much."
        ),
        vacuous_when="The model is not linear. Whole units in an l1 or l2 ball, and relations: an upper bound only.",
        functions=(
            "linear_robust_error",
            "linear_pareto_front",
            "adversarial_regression_risk",
            "gaussian_group_metrics",
        ),
        worked=lambda: adversarial_regression_risk((0.8, 0.2, -0.1), (1.0, 0.5, -0.3), 0.25, 0.3),
        worked_text="Squared error under l2 attacks of 0.3 of the weights (0.8, 0.2, -0.1) for (1, 0.5, -0.3).",
    )
)
