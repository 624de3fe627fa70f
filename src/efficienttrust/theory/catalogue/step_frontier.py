"""The joint frontier under a step budget: utility, group gap and robust risk that k steps can reach. Our own result.

Letters: S = X'X / n, c = X'y / n, g = mean row of group 1 minus that of group 0, so that g.b is the gap of a score
x.b; lambda >= 0 the fairness penalty, rho >= 0 the ridge, eta the step size, k steps from 0; q the dual of the
attacker's norm. The objective is |y - X b|^2 / (2 n) + rho |b|^2 / 2 + lambda (g.b)^2 / 2.

(a) It is quadratic with H = S + rho I + lambda g g', so b_k = V (1 - (1 - eta h)^k) / h V'c by the spectral filter of
H: utility, gap and robust risk of k steps are closed forms for every (lambda, rho, eta < 2 / max h).
(b) Whatever the penalties and step sizes, and even if they change from step to step or momentum is added, b_k is a
combination of S^i c, i < k, and S^j g, j < k - 1 (induction: a gradient is a combination of S b, b, c and g, and at the
start, where there is no gap, of c alone). Of all such b with a gap of at most delta, the smallest error is a_k + max(0,
|g.b*| - delta)^2 / w_k: no method of k gradients of this kind has less. b* is the best combination, a_k its error and
w_k = u.(Q'SQ)^-1 u with u = Q'g for a basis Q.
(c) With k -> infinity both meet at a + max(0, |g.b_ols| - delta)^2 / (g.S^+ g), attained by rho = 0 and some lambda.

The proof stands in docs/theory/T16.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import ArrayLike

from efficienttrust.errors import UsageError
from efficienttrust.theory._arguments import not_negative, probability, whole
from efficienttrust.theory._attack_norms import AttackNorm
from efficienttrust.theory._bound import Bound
from efficienttrust.theory._embedding import Floats
from efficienttrust.theory._krylov import block_krylov
from efficienttrust.theory._quadratic_path import RANK, Regression, quadratic, regression
from efficienttrust.theory._result import Result, results

SOURCE = "own result; docs/theory/T16.md has the proof"
PENALTIES = (0.0, *np.geomspace(1e-3, 1e5, 33))
"""Fairness penalties that are tried, in units of L / |g|^2."""
RATES = (0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.98)
"""Step sizes that are tried, in units of 2 / max h."""
GAPS = 41
"""Gaps at which the floor is given, where none are asked for."""


@dataclass(frozen=True, eq=False)
class StepFrontier:
    """What k steps can reach, and what they cannot.

    Attributes:
        steps: k; infinity for the converged frontier.
        settings: [m, 3] lambda, rho and eta of each point.
        beta: [d, m] weights of each point.
        utility: Mean squared error of each point [m], exact; the smaller the better.
        gap: |g.b| of each point [m], exact.
        robust: Mean squared error under attack of each point [m], exact.
        efficient: [m] whether no other point is at least as good in all three and better in one.
        floor: The smallest mean squared error that any k gradients leave at each gap in `details["gaps"]`: lower.
    """

    steps: float
    settings: Floats
    beta: Floats
    utility: Bound
    gap: Bound
    robust: Bound
    efficient: np.ndarray
    floor: Bound


def step_budget_frontier(
    x: ArrayLike,
    y: ArrayLike,
    groups: ArrayLike,
    steps: float,
    eps: float = 0.0,
    *,
    norm: AttackNorm = "l2",
    penalties: Sequence[float] = PENALTIES,
    ridges: Sequence[float] = (0.0,),
    rates: Sequence[float] = RATES,
    gaps: Sequence[float] | None = None,
) -> StepFrontier:
    """Return the points that k steps reach over penalties, ridges and step sizes, with the floor below all of them.

    Args:
        x: Rows [n, d]; centre them, or add a column of ones, for an intercept.
        y: Labels [n].
        groups: Codes 0 and 1 [n].
        steps: k, at least 1; infinity for the converged frontier, where the step size does not matter.
        eps: Size of the attack on each row, for the robust risk.
        norm: AttackNorm of the attack.
        penalties: lambda in units of L / |g|^2, L the largest eigenvalue of S.
        ridges: rho in units of L.
        rates: Step sizes in (0, 1), in units of 2 / max h.
        gaps: Gaps at which the floor is given; by default 41 from 0 to that of least squares.

    Raises:
        UsageError: Other codes than 0 and 1, groups with the same mean row, or values out of range.
    """
    rows, g = _two_groups(x, y, groups)
    not_negative("eps", eps)
    k = math.inf if math.isinf(steps) and steps > 0 else float(whole("steps", steps))
    unit = float(np.linalg.eigvalsh(rows.hessian)[-1])
    settings, columns = [], []
    for penalty in (not_negative("penalty", value) * unit / float(g @ g) for value in penalties):
        for ridge in (not_negative("ridge", value) * unit for value in ridges):
            problem = quadratic(rows.hessian + ridge * np.eye(len(g)) + penalty * np.outer(g, g), rows.slope)
            for rate in rates[:1] if math.isinf(k) else rates:
                eta = probability("rate", rate) * 2 / problem.largest
                settings.append((penalty, ridge, eta))
                columns.append(problem.after(np.array([k]), eta))
    if not settings:
        raise UsageError("no settings to try: give at least one penalty, one ridge and one rate")
    beta = np.hstack(columns)
    inputs = {"rows": len(rows.y), "steps": steps, "eps": eps, "norm": norm, "points": len(settings)}

    def exact(value: Floats) -> Bound:
        return Bound(value, "exact", ("these rows; full gradients from 0",), SOURCE, inputs)

    utility, gap, robust = rows.squared_errors(beta), np.abs(g @ beta), rows.robust_errors(beta, eps, norm)
    return StepFrontier(
        steps=k,
        settings=np.array(settings),
        beta=beta,
        utility=exact(utility),
        gap=exact(gap),
        robust=exact(robust),
        efficient=_efficient(np.column_stack([utility, gap, robust])),
        floor=_floor(rows, g, k, gaps),
    )


def step_budget_floor(
    x: ArrayLike, y: ArrayLike, groups: ArrayLike, steps: float, gaps: Sequence[float] | None = None
) -> Bound:
    """Return the smallest mean squared error at each gap that k gradients can leave, whatever the penalty and steps.

    Holds for every method whose k-th weights are a combination of the gradients before, at points that are such
    combinations themselves, of the squared error plus any ridge plus any function of the gap that is flat at no gap (as
    its square; or a multiplier times the gap, where multipliers start from 0): gradient descent with any schedule,
    momentum, Nesterov's method, primal-dual steps. Not for Adam, which scales coordinates apart. It need not be
    attained: a step adds one coefficient, but up to two directions.

    Args:
        x: Rows [n, d].
        y: Labels [n].
        groups: Codes 0 and 1 [n].
        steps: k, at least 1, or infinity.
        gaps: Gaps delta of at least 0; by default 41 from 0 to that of least squares.

    Returns:
        Errors [m], a `lower` bound. `details`: `gaps`, `directions`
        (dimension of what k gradients reach), `unconstrained` error and `price` per squared gap.
    """
    rows, g = _two_groups(x, y, groups)
    return _floor(rows, g, math.inf if math.isinf(steps) and steps > 0 else whole("steps", steps), gaps)


def _floor(rows: Regression, g: Floats, steps: float, gaps: Sequence[float] | None) -> Bound:
    s, c = rows.hessian, rows.slope
    values, vectors = np.linalg.eigh(s)
    image = vectors[:, values > RANK * values[-1]]
    # from the rank on every direction may be reached; the basis by multiplication would lose some to rounding
    basis = image if steps >= image.shape[1] else next(islice(block_krylov(s, c, g), int(steps) - 1, None))
    inner = basis.T @ s @ basis
    best = np.linalg.solve(inner, basis.T @ c)
    u = basis.T @ g
    width, seen = float(u @ np.linalg.solve(inner, u)), float(u @ best)
    lowest = float((rows.y**2).mean() - best @ (basis.T @ c))
    if gaps is None:
        fitted = image @ np.linalg.solve(image.T @ s @ image, image.T @ c)
        asked = np.linspace(0.0, abs(float(g @ fitted)), GAPS)
    else:
        asked = np.array([not_negative("gap", gap) for gap in gaps])
    excess = np.maximum(0.0, abs(seen) - asked)
    price = 1 / width if width > 0 else 0.0  # no gap anywhere: none to pay for
    return Bound(
        value=lowest + price * excess**2,
        kind="lower",
        assumptions=(
            "these rows; squared error, full gradients from 0",
            "steps combine gradients of the error, of a ridge and of a function of the gap that is flat at no gap",
        ),
        source=SOURCE,
        inputs={"rows": len(rows.y), "steps": steps},
        details={
            "gaps": asked,
            "directions": basis.shape[1],
            "unconstrained": lowest,
            "price": price,
        },
    )


def _two_groups(x: ArrayLike, y: ArrayLike, groups: ArrayLike) -> tuple[Regression, Floats]:
    rows = regression(x, y, groups)
    if len(rows.means) != 2:
        raise UsageError(f"the step frontier is for two groups, not {len(rows.means)}: compare one group with the rest")
    g: Floats = rows.means[1] - rows.means[0]
    if not g.any():
        raise UsageError("both groups have the same mean row: no linear score has a gap between them")
    if not rows.slope.any():
        raise UsageError("no column goes with the labels: gradient descent does not leave 0")
    return rows, g


def _efficient(points: Floats) -> np.ndarray:
    """Return which points no other one dominates; all coordinates are the smaller the better."""
    at_least = (points[:, None, :] <= points[None, :, :]).all(axis=2)
    better = (points[:, None, :] < points[None, :, :]).any(axis=2)
    dominated = (at_least & better).any(axis=0)
    return np.asarray(~dominated)


def _worked() -> Bound:
    """Two columns, three kinds of rows: the floor of one gradient at no gap."""
    x = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, 0.0]])
    floor = step_budget_floor(x, [1.0, 0.0, 1.0, 2.0], [0, 0, 1, 1], steps=2, gaps=[0.0])
    return replace(floor, value=float(floor.value[0]))


results.register("T16", "step_frontier")(
    Result(
        code="T16",
        title="Joint frontier under a step budget",
        statement=(
            "Gradient descent on |y - Xb|^2/(2n) + rho |b|^2/2 + lambda (g.b)^2/2 from 0 is the spectral filter of S + "
            "rho I + lambda gg', so what k steps reach of (error, |gap|, robust risk) is a closed form of (lambda, "
            "rho, eta). No method of k gradients, with any schedule of steps and penalties, has an error below a_k + "
            "(|g.b*_k| - delta)_+^2 / w_k at a gap of at most delta; for k -> infinity both meet."
        ),
        assumptions=(
            "linear scores, squared error, full gradients from 0, two groups",
            "steps combine gradients of the error, of a ridge and of a function of the gap that is flat at no gap",
        ),
        source=SOURCE
        + "; the spectral filter is Landweber's (1951), the Krylov argument Nemirovski and Yudin's (1983)",
        good_for="How many steps a gap costs at a utility, and which part of a shortfall more steps would close.",
        vacuous_when="Never below the error of least squares; networks and Adam are outside of its assumptions.",
        functions=("step_budget_frontier", "step_budget_floor"),
        worked=_worked,
        worked_text="Smallest squared error that two gradients leave at no gap, on four rows of two columns.",
        own=True,
    )
)
