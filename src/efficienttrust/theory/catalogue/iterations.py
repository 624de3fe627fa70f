"""How many steps a constraint takes: worst-case bounds, and exact curves over the steps of gradient descent.

Letters: T or k steps, eta the step size, L the largest eigenvalue of the Hessian; in constrained problems D the
diameter of the primal set, l the best multiplier, r by how much the multipliers' ball is wider, G the size of a
subgradient, tau the violation that is allowed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from efficienttrust.errors import UsageError
from efficienttrust.theory._arguments import column, matrix, not_negative, positive, whole
from efficienttrust.theory._attack_norms import AttackNorm
from efficienttrust.theory._bound import Bound
from efficienttrust.theory._quadratic_path import quadratic, regression, step_size
from efficienttrust.theory._result import Result, results

CONVEX = ("the loss and the constraints are convex in the parameters: for networks a heuristic only",)
FLOW_AGAINST_RIDGE = 1.6862
"""What the risk of a gradient flow at time t is at most, as a multiple of that of ridge with penalty 1 / t."""


def reductions_calls(nu: float, dual_bound: float, largest_violation: float, constraints: int) -> Bound:
    """Return how many calls of a learner the reductions approach to fairness needs at most for a nu-saddle point.

    Math: 4 rho^2 B^2 ln(K + 1) / nu^2 calls give err <= opt + 2 nu and a violation of at most (1 + 2 nu) / B.

    Args:
        nu: Suboptimality of the saddle point.
        dual_bound: B, the largest sum of multipliers.
        largest_violation: rho, the largest violation that any classifier has, at most 2.
        constraints: K.

    Returns:
        Calls, an upper bound far above what practice needs. `details`: `violation` and `error` at that point.
    """
    b, rho = positive("dual_bound", dual_bound), positive("largest_violation", largest_violation)
    k = whole("constraints", constraints)
    calls = math.ceil(4 * rho**2 * b**2 * math.log(k + 1) / positive("nu", nu) ** 2)
    violation = (1 + 2 * nu) / b
    nothing = violation >= rho
    return Bound(
        value=calls,
        kind="upper",
        assumptions=("each call finds the best classifier for its weights",),
        source="Agarwal et al. 2018, theorem 1",
        inputs={"nu": nu, "dual_bound": b, "largest_violation": rho, "constraints": k},
        vacuous=nothing,
        reason=f"a violation of {violation:.3g} is allowed, which no classifier exceeds" if nothing else "",
        details={"violation": violation, "error": 2 * nu},
    )


def primal_dual_violation(steps: int, diameter: float, gradient: float, multiplier: float, radius: float) -> Bound:
    """Return the largest violation of the averaged primal-dual subgradient method after so many steps.

    Math: with the step size D' / (G sqrt T) the duality gap is at most D' G / sqrt T, D'^2 = D^2 + (l + r)^2, and the
    violation at most that over r.

    Args:
        steps: T.
        diameter: D, distance of the start from the best parameters, at most.
        gradient: G, size of the subgradient of the Lagrangian in both variables together, at most.
        multiplier: l, size of the best multipliers.
        radius: r, by how much the multipliers may be larger than that.

    Returns:
        The violation; `details["step_size"]` is the step size it holds for.
    """
    reach = math.hypot(
        positive("diameter", diameter), not_negative("multiplier", multiplier) + positive("radius", radius)
    )
    root = math.sqrt(whole("steps", steps))
    return Bound(
        value=reach * positive("gradient", gradient) / (root * radius),
        kind="upper",
        assumptions=(*CONVEX, "the averages of all steps are taken, multipliers projected on a ball of l + r"),
        source="Nedić and Ozdaglar 2009; Nemirovski et al. 2009",
        inputs={
            "steps": steps,
            "diameter": diameter,
            "gradient": gradient,
            "multiplier": multiplier,
            "radius": radius,
        },
        details={"step_size": reach / (gradient * root)},
    )


def min_primal_dual_steps(tau: float, diameter: float, gradient: float, multiplier: float, radius: float) -> Bound:
    """Return after how many steps `primal_dual_violation` is at most `tau`: ceil((D' G / (r tau))^2)."""
    one = primal_dual_violation(1, diameter, gradient, multiplier, radius)
    needed = (float(one) / positive("tau", tau)) ** 2
    return Bound(
        value=math.ceil(needed * (1 - 1e-12)),  # a whole number is not rounded up for its last digit
        kind="upper",
        assumptions=one.assumptions,
        source=one.source,
        inputs={**one.inputs, "tau": tau},
    )


def descent_bound(steps: int, smoothness: float, distance: float, strong_convexity: float = 0.0) -> Bound:
    """Return how far gradient descent with step size 1 / L is from the optimal loss at most after so many steps.

    Math: the smaller of L D^2 / (4 k + 2) and (1 - mu / L)^k L D^2 / 2.

    Args:
        steps: k.
        smoothness: L, the largest curvature of the loss.
        distance: D, distance of the start from an optimum.
        strong_convexity: mu, the smallest curvature, at most L.
    """
    k, ell, d = whole("steps", steps, least=0), positive("smoothness", smoothness), not_negative("distance", distance)
    if not_negative("strong_convexity", strong_convexity) > ell:
        raise UsageError(f"the smallest curvature {strong_convexity} exceeds the largest, {smoothness}: swap them")
    return Bound(
        value=min(ell * d**2 / (4 * k + 2), (1 - strong_convexity / ell) ** k * ell * d**2 / 2),
        kind="upper",
        assumptions=CONVEX,
        source="Drori and Teboulle 2014; Nesterov 2004",
        inputs={"steps": steps, "smoothness": smoothness, "distance": distance, "strong_convexity": strong_convexity},
    )


@dataclass(frozen=True, eq=False)
class GradientPath:
    """A linear regression at numbers of steps of gradient descent from 0.

    Attributes:
        steps: [m] numbers of steps; infinity is the limit.
        beta: [d, m] weights.
        utility: Mean squared error on the rows [m]: the smaller the better.
        gap: Mean score of group 1 minus that of group 0 [m]; max - min for more than two groups.
        robust: Mean squared error under attack [m].
    """

    steps: np.ndarray
    beta: np.ndarray
    utility: Bound
    gap: Bound
    robust: Bound


def gd_path(
    x: ArrayLike,
    y: ArrayLike,
    groups: ArrayLike,
    eta: float,
    steps: Sequence[float],
    eps: float = 0.0,
    *,
    ridge: float = 0.0,
    norm: AttackNorm = "l2",
) -> GradientPath:
    """Return utility, group gap and robust risk of a linear score after each number of steps, in closed form.

    Gradient descent from 0 on |y - X b|^2 / (2 n) + ridge |b|^2 / 2. Math: b_k = V (1 - (1 - eta h)^k) / h V' X'y / n
    with h the eigenvalues of X'X / n + ridge. Under an attack of size eps the squared error of a row becomes
    (|residual| + eps |b|_q)^2. Rows and labels are taken as they are: centre them, or add a column of ones, for an
    intercept.

    Args:
        x: Rows [n, d].
        y: Labels [n].
        groups: Codes 0 to G - 1 [n].
        eta: Step size, below 2 / (L + ridge).
        steps: Numbers of steps, whole or infinite.
        eps: Size of the attack on each row.
        ridge: Penalty on the weights, at least 0.
        norm: AttackNorm of the attack.
    """
    rows = regression(x, y, groups)
    not_negative("eps", eps)
    problem = quadratic(rows.hessian + not_negative("ridge", ridge) * np.eye(len(rows.slope)), rows.slope)
    eta = step_size(eta, problem.largest)
    counts = np.array([k if math.isinf(k) and k > 0 else whole("steps", k, least=0) for k in steps], dtype=np.float64)
    beta = problem.after(counts, eta)
    inputs = {"rows": len(rows.y), "eta": eta, "steps": tuple(steps), "eps": eps, "ridge": ridge, "norm": norm}

    def exact(value: np.ndarray) -> Bound:
        return Bound(
            value, "exact", ("these rows; full gradients from 0",), "spectral filter of gradient descent", inputs
        )

    return GradientPath(
        steps=counts,
        beta=beta,
        utility=exact(rows.squared_errors(beta)),
        gap=exact(rows.gaps(beta)),
        robust=exact(rows.robust_errors(beta, eps, norm)),
    )


def flow_against_ridge(x: ArrayLike, beta: ArrayLike, noise: float, times: Sequence[float]) -> Bound:
    """Return the ratio of the risk of the gradient flow at each time t to that of ridge with penalty 1 / t: exact.

    Risk is the expected squared distance from the true weights. No ratio exceeds 1.6862: stopping early is nearly
    ridge, at any time and for any rows.

    Args:
        x: Rows [n, d].
        beta: True weights [d].
        noise: Variance of the labels' noise, above 0.
        times: Times t = eta k, above 0.

    Returns:
        Ratios [m]; `details` has both risks (`flow`, `ridge`).
    """
    rows = matrix(x)
    true = column("beta", beta, rows.shape[1])
    t = np.array([positive("time", time) for time in times])[:, None]
    s, vectors = np.linalg.eigh(rows.T @ rows / len(rows))
    s = np.maximum(s, 0.0)
    signal, variance = (vectors.T @ true) ** 2, positive("noise", noise) / len(rows)
    safe = np.where(s > 0, s, 1.0)
    spread = np.where(s > 0, np.expm1(-t * s) ** 2 / safe, 0.0)
    flow = (signal * np.exp(-2 * t * s) + variance * spread).sum(axis=1)
    ridge = (signal / (1 + t * s) ** 2 + variance * s / (s + 1 / t) ** 2).sum(axis=1)
    return Bound(
        value=flow / ridge,
        kind="exact",
        assumptions=("labels are linear in the columns, plus independent noise of one variance",),
        source="Ali, Kolter and Tibshirani 2019, theorem 1: at most 1.6862",
        inputs={"rows": len(rows), "noise": noise, "times": tuple(times)},
        details={"flow": flow, "ridge": ridge, "limit": FLOW_AGAINST_RIDGE},
    )


results.register("T8", "iterations")(
    Result(
        code="T8",
        title="Steps that a constraint takes, and what early stopping is worth",
        statement=(
            "Reductions: 4 rho^2 B^2 ln(K+1)/nu^2 calls give a violation of at most (1+2 nu)/B. Averaged primal-dual "
            "subgradients: a violation of at most D'G/(r sqrt T). Gradient descent from 0 on a linear regression: b_k "
            "= V (1-(1-eta h)^k)/h V'X'y/n, so that utility, group gap and robust risk are closed forms of the steps; "
            "the flow at time t has at most 1.6862 times the risk of ridge with penalty 1/t."
        ),
        assumptions=(*CONVEX, "closed forms: linear scores, squared error, full gradients from 0"),
        source=(
            "Agarwal et al. 2018; Nedić and Ozdaglar 2009; Drori and Teboulle 2014; Ali, Kolter and Tibshirani 2019. "
            "Differs in that the robust risk along the path is exact on the given rows"
        ),
        good_for="What a budget of steps leaves of error and violation: at worst, and exactly in linear models.",
        vacuous_when="A violation is allowed that no model exceeds; for networks all worst-case counts are heuristic.",
        functions=(
            "reductions_calls",
            "primal_dual_violation",
            "min_primal_dual_steps",
            "descent_bound",
            "gd_path",
            "flow_against_ridge",
        ),
        worked=lambda: reductions_calls(1.0, 100.0, 2.0, 4),
        worked_text="Calls of a learner that surely bring the violation of 4 constraints to 0.03.",
    )
)
