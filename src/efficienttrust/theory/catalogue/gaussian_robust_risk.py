"""The least robust error that any classifier has on two Gaussian classes, and the rule that attains it.

Letters: y = +-1 with P(y = 1) = pi, x | y ~ N(y mu, C), C = sigma^2 I unless a covariance is given; eps the attack; z*
the point of the eps-ball nearest to mu in the metric of C; m = |C^(-1/2) (mu - z*)| what the attack leaves of the
separation; q = ln((1 - pi) / pi); Phi the normal distribution function.

Proof. The shift x -> x - y z* is an attack, and under it the classes are N(+-(mu - z*), C): no classifier has less than
the Bayes error of these. Now take w = C^-1 (mu - z*). As z* is nearest, w.z <= w.z* for every z of the ball, so w.mu -
eps |w|_q = w.(mu - z*): to this rule no attack does more than the shift. With the Bayes bias it attains the bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from efficienttrust.errors import UsageError
from efficienttrust.theory._arguments import not_negative, positive, probability
from efficienttrust.theory._attack_norms import AttackNorm, dual_sizes, nearest_in_ball
from efficienttrust.theory._bound import Bound
from efficienttrust.theory._embedding import Floats
from efficienttrust.theory._result import Result, results
from efficienttrust.theory._whitened import whitened_nearest

ASSUMPTIONS = (
    "two Gaussian classes with opposite means and one covariance, all known",
    "the least over all classifiers, linear or not, of any size and after any training",
)
SOURCE = (
    "Bhagoji et al. 2019 (balanced, any classifier); Dobriban et al. 2020 (imbalanced: l2 over any classifier, linf "
    "over linear ones); Dan et al. 2020. Differs in that one shift serves as the attack on every classifier, whatever "
    "norm, prior and covariance"
)


def gaussian_robust_risk(
    mu: ArrayLike,
    eps: float,
    norm: AttackNorm = "l2",
    *,
    pi: float = 0.5,
    sigma: float = 1.0,
    covariance: ArrayLike | None = None,
) -> Bound:
    """Return the least robust error of any classifier on y = +-1, x ~ N(y mu, sigma^2 I).

    Math: pi Phi(q / 2m - m) + (1 - pi) Phi(-q / 2m - m).

    Args:
        mu: Mean of the positive class [d]; that of the other is -mu.
        eps: Size of the attack on each row.
        norm: Norm of the attack: `l1`, `l2` or `linf`.
        pi: Share of the positive class.
        sigma: Standard deviation of every column within a class.
        covariance: Common covariance [d, d] of the classes instead of `sigma`.

    Returns:
        The risk; `details`: `margin` (m), `shift` (z*, the attack that no classifier withstands better). Vacuous from
        the eps on that moves the classes onto each other, where no rule beats the constant one.

    Raises:
        UsageError: Numbers out of range, an unknown norm, or a covariance that is not positive definite.
    """
    return gaussian_robust_classifier(mu, eps, norm, pi=pi, sigma=sigma, covariance=covariance).robust


@dataclass(frozen=True, eq=False)
class RobustClassifier:
    """The rule sign(w.x + b) with the least robust error, and what it costs without an attack.

    Attributes:
        w: Weights [d], of length 1; zeros where the best rule is constant.
        b: Bias.
        robust: Its error under attack, the least of all classifiers.
        standard: Its error without an attack; `details["price"]` is by how much it exceeds the least one.
    """

    w: Floats
    b: float
    robust: Bound
    standard: Bound


def gaussian_robust_classifier(
    mu: ArrayLike,
    eps: float,
    norm: AttackNorm = "l2",
    *,
    pi: float = 0.5,
    sigma: float = 1.0,
    covariance: ArrayLike | None = None,
) -> RobustClassifier:
    """Return the rule that attains `gaussian_robust_risk`, whose arguments these are.

    Balanced classes under l2 with C = sigma^2 I have one w for every eps, so robustness is free there; under other
    norms, priors or covariances w or b move with eps, and `standard` says what that costs.
    """
    from scipy.special import ndtr

    mean = _mean(mu)
    spread = _covariance(covariance, positive("sigma", sigma), len(mean))
    not_negative("eps", eps)
    probability("pi", pi)
    dual_sizes(mean, norm)  # refuses an unknown norm
    inputs = {"mu": mean, "eps": eps, "norm": norm, "pi": pi, "sigma": sigma, "covariance": covariance}
    shift = nearest_in_ball(mean, eps, norm) if covariance is None else whitened_nearest(mean, eps, norm, spread)
    direction = np.linalg.solve(spread, mean - shift)
    m = math.sqrt(max(float(direction @ (mean - shift)), 0.0))
    clean = math.sqrt(float(mean @ np.linalg.solve(spread, mean)))
    if m <= 1e-9 * clean:
        reason = f"an attack of {eps:g} moves the classes onto each other: no rule beats the constant one"
        constant = Bound(
            min(pi, 1 - pi), "exact", ASSUMPTIONS, SOURCE, inputs, True, reason, {"margin": 0.0, "shift": shift}
        )
        return RobustClassifier(np.zeros_like(mean), 1.0 if pi >= 0.5 else -1.0, constant, constant)
    w: Floats = np.asarray(direction / np.linalg.norm(direction))
    scale = math.sqrt(float(w @ spread @ w))
    b = -scale * math.log((1 - pi) / pi) / (2 * m)

    def error(margin: float) -> float:
        return float(pi * ndtr(-(margin + b) / scale) + (1 - pi) * ndtr(-(margin - b) / scale))

    standard = error(float(w @ mean))
    return RobustClassifier(
        w=w,
        b=b,
        robust=Bound(
            error(float(w @ mean - eps * dual_sizes(w, norm))),
            "exact",
            ASSUMPTIONS,
            SOURCE,
            inputs,
            details={"margin": m, "shift": shift},
        ),
        standard=Bound(
            standard,
            "exact",
            ASSUMPTIONS[:1],
            "closed form",
            inputs,
            details={"price": max(standard - _bayes_error(clean, pi), 0.0)},
        ),
    )


def _bayes_error(m: float, pi: float) -> float:
    from scipy.special import ndtr

    if m == 0:
        return min(pi, 1 - pi)
    q = math.log((1 - pi) / pi)
    return float(pi * ndtr(q / (2 * m) - m) + (1 - pi) * ndtr(-q / (2 * m) - m))


def _mean(mu: ArrayLike) -> Floats:
    mean = np.asarray(mu, dtype=np.float64)
    if mean.ndim != 1 or not mean.size or not np.isfinite(mean).all():
        raise UsageError(f"mu has the shape {mean.shape}: give one finite number for each column")
    return mean


def _covariance(covariance: ArrayLike | None, sigma: float, d: int) -> Floats:
    if covariance is None:
        return sigma**2 * np.eye(d)
    spread = np.asarray(covariance, dtype=np.float64)
    if spread.shape != (d, d) or not np.allclose(spread, spread.T):
        raise UsageError(f"the covariance has the shape {spread.shape}: give a symmetric matrix [{d}, {d}]")
    if np.linalg.eigvalsh(spread)[0] <= 0:
        raise UsageError("the covariance is not positive definite: remove columns that others determine")
    return spread


results.register("T4", "gaussian_robust_risk")(
    Result(
        code="T4",
        title="The least robust error on two Gaussian classes",
        statement=(
            "For y = +-1 with P(+1) = pi and x ~ N(y mu, C), every classifier errs under attacks of size eps at least "
            "pi Phi(q/2m - m) + (1-pi) Phi(-q/2m - m), m = min over |z| <= eps of |C^(-1/2)(mu - z)|, q = "
            "ln((1-pi)/pi); the linear rule with w = C^-1(mu - z*) attains it. With C = sigma^2 I: m = (|mu| - "
            "eps)/sigma under l2, |max(|mu| - eps, 0)|_2/sigma under linf. Balanced l2: no trade-off with the standard "
            "error; otherwise there is one. Learning from n rows: the mean of y x has the robust error E Phi((eps "
            "|w|_q - w.mu)/(sigma |w|_2)) with w ~ N(mu, sigma^2 I/n); robust learning needs of the order of eps^2 "
            "sqrt(d)/log d rows where one suffices without attack (Schmidt et al.)."
        ),
        assumptions=ASSUMPTIONS,
        source=SOURCE,
        good_for=(
            "Tells what robustness can cost at least where data look Gaussian, and checks trainers and attacks against "
            "a known optimum."
        ),
        vacuous_when="eps reaches the other class: the least error is that of a constant.",
        functions=(
            "gaussian_robust_risk",
            "gaussian_robust_classifier",
            "robust_sample_curve",
            "robust_sample_scaling",
        ),
        worked=lambda: gaussian_robust_risk((1.2, 0.8, 0.3, 0.1), 0.25, "linf"),
        worked_text="Least error of any classifier under linf attacks of 0.25 on means +-(1.2, 0.8, 0.3, 0.1).",
    )
)
