"""T16: what k steps reach is what gradient descent does, and no method of k gradients falls below the floor."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from efficienttrust.errors import UsageError
from efficienttrust.theory.catalogue.step_frontier import step_budget_floor, step_budget_frontier

SEEDS = st.integers(0, 2**32)


def rows(seed, n=80, d=6):
    rng = np.random.default_rng(seed)
    codes = np.concatenate([[0, 1], rng.integers(0, 2, n - 2)])
    x = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + codes[:, None] * rng.normal(size=d)
    return x, x @ rng.normal(size=d) + rng.normal(size=n) + codes, codes


def difference(x, codes):
    return x[codes == 1].mean(axis=0) - x[codes == 0].mean(axis=0)


def error(x, y, beta):
    return float(((y - x @ beta) ** 2).mean())


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.integers(1, 120), st.sampled_from([0.0, 0.05]))
def test_every_point_is_where_gradient_descent_ends_that_is_really_run(seed, steps, ridge):
    x, y, codes = rows(seed)
    front = step_budget_frontier(
        x, y, codes, steps, 0.1, penalties=(0, 0.1, 10), ridges=(ridge,), rates=(0.2, 0.5, 0.97)
    )
    g = difference(x, codes)
    for place, (penalty, rho, eta) in enumerate(front.settings):
        beta = np.zeros(x.shape[1])
        for _ in range(steps):
            beta = beta - eta * (x.T @ (x @ beta - y) / len(y) + rho * beta + penalty * g * (g @ beta))
        scale = max(1.0, float(np.abs(beta).max()))
        assert front.beta[:, place] == pytest.approx(beta, abs=1e-10 * scale)
        assert front.utility.value[place] == pytest.approx(error(x, y, beta))
        assert front.gap.value[place] == pytest.approx(abs(g @ beta), abs=1e-9 * scale)
        robust = ((np.abs(y - x @ beta) + 0.1 * np.linalg.norm(beta)) ** 2).mean()
        assert front.robust.value[place] == pytest.approx(robust)


@settings(max_examples=12, deadline=None)
@given(SEEDS, st.integers(1, 8) | st.sampled_from([20, 300, math.inf]))
def test_no_reachable_point_lies_below_the_floor(seed, steps):
    x, y, codes = rows(seed)
    front = step_budget_frontier(x, y, codes, steps, ridges=(0.0, 0.1))
    floor = step_budget_floor(x, y, codes, steps, front.gap.value)
    assert (front.utility.value >= floor.value - 1e-9 * (y**2).mean()).all()


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(1, 7), st.sampled_from(["schedule", "momentum", "nesterov", "multiplier"]))
def test_no_other_method_of_so_many_gradients_falls_below_the_floor(seed, steps, method):
    x, y, codes = rows(seed)
    g, rng = difference(x, codes), np.random.default_rng(seed)
    unit = np.linalg.eigvalsh(x.T @ x / len(x))[-1]
    beta = last = np.zeros(x.shape[1])
    multiplier = 0.0
    for k in range(steps):
        penalty = rng.exponential() * unit / (g @ g)
        look = beta + 0.5 * (beta - last) if method == "nesterov" else beta
        pull = multiplier if method == "multiplier" else penalty * float(g @ look)
        gradient = x.T @ (x @ look - y) / len(y) + rng.exponential() * 0.1 * look + pull * g
        step = rng.uniform(0.1, 2) / (unit + penalty * (g @ g)) if method == "schedule" else 0.5 / unit
        moment = 0.9 * (beta - last) if method == "momentum" and k else 0.0
        last, beta = beta, look - step * gradient + moment
        multiplier += rng.exponential() * float(g @ beta)
    floor = step_budget_floor(x, y, codes, steps, [abs(float(g @ beta))])
    assert error(x, y, beta) >= floor.value[0] - 1e-9 * (y**2).mean()


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.integers(1, 3), st.floats(0, 1))
def test_the_floor_is_the_smallest_error_by_a_general_solver(seed, steps, share):
    x, y, codes = rows(seed)
    s, c, g = x.T @ x / len(x), x.T @ y / len(x), difference(x, codes)
    reachable = [np.linalg.matrix_power(s, i) @ c for i in range(steps)]
    reachable += [np.linalg.matrix_power(s, j) @ g for j in range(steps - 1)]
    basis = np.linalg.qr(np.column_stack(reachable))[0]
    free = np.linalg.lstsq(x @ basis, y, rcond=None)[0]
    gap = share * abs(float(g @ basis @ free))
    found = optimize.minimize(
        lambda a: error(x, y, basis @ a),
        free * share,
        jac=lambda a: 2 * basis.T @ (s @ (basis @ a) - c),
        constraints=[
            {
                "type": "ineq",
                "fun": lambda a, sign=sign: gap - sign * (g @ basis @ a),
                "jac": lambda _, sign=sign: -sign * (g @ basis),
            }
            for sign in (1, -1)
        ],
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    floor = step_budget_floor(x, y, codes, steps, [gap]).value[0]
    assert floor == pytest.approx(found.fun, rel=1e-5)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_with_many_steps_reachable_points_and_floor_meet_at_the_converged_frontier(seed):
    x, y, codes = rows(seed)
    limit = step_budget_frontier(x, y, codes, math.inf)
    floor = step_budget_floor(x, y, codes, math.inf, limit.gap.value)
    assert limit.utility.value == pytest.approx(floor.value, rel=1e-8)
    assert limit.efficient.all()
    s, c, g = x.T @ x / len(x), x.T @ y / len(x), difference(x, codes)
    fitted = np.linalg.solve(s, c)
    gaps = np.linspace(0, 2 * abs(g @ fitted), 9)
    closed = error(x, y, fitted) + np.maximum(0, abs(g @ fitted) - gaps) ** 2 / (g @ np.linalg.solve(s, g))
    assert step_budget_floor(x, y, codes, math.inf, gaps).value == pytest.approx(closed)
    many = step_budget_frontier(x, y, codes, 10**8, penalties=(0.0, 1.0), rates=(0.5,))
    few = step_budget_frontier(x, y, codes, math.inf, penalties=(0.0, 1.0))
    assert many.utility.value == pytest.approx(few.utility.value, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_the_floor_falls_with_steps_and_with_the_gap_that_is_allowed(seed):
    x, y, codes = rows(seed)
    gaps = np.linspace(0, 3, 7)
    curves = [step_budget_floor(x, y, codes, steps, gaps).value for steps in (1, 2, 3, 5, 50, math.inf)]
    for more, fewer in zip(curves[1:], curves, strict=False):
        assert (more <= fewer + 1e-9 * (y**2).mean()).all()
    for curve in curves:
        assert (np.diff(curve) <= 1e-12).all()


def test_one_gradient_leads_along_one_line():
    x, y, codes = rows(0)
    c, g = x.T @ y / len(x), difference(x, codes)
    floor = step_budget_floor(x, y, codes, 1, [0.0, 1e9])
    assert floor.details["directions"] == 1
    assert floor.value[0] == pytest.approx((y**2).mean())  # no gap along a line through 0: stay
    along = x @ c
    assert floor.value[1] == pytest.approx((y**2).mean() - (along @ y) ** 2 / (along @ along) / len(y))
    assert step_budget_floor(x, y, codes, 3).details["directions"] == 5
    assert g @ c != 0


def test_efficient_points_are_those_that_none_dominates():
    x, y, codes = rows(1)
    front = step_budget_frontier(x, y, codes, 5, 0.2, penalties=(0, 1, 100), rates=(0.1, 0.5))
    points = np.column_stack([front.utility.value, front.gap.value, front.robust.value])
    for place, point in enumerate(points):
        beaten = any((other <= point).all() and (other < point).any() for other in points)
        assert front.efficient[place] == (not beaten)


def test_columns_that_repeat_each_other_change_nothing():
    x, y, codes = rows(2)
    doubled = np.column_stack([x, x[:, :2]])
    gaps = [0.0, 0.5]
    for steps in (100, math.inf):
        one, two = (step_budget_floor(part, y, codes, steps, gaps).value for part in (x, doubled))
        assert one == pytest.approx(two, rel=1e-8)


X, Y, CODES = rows(0)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: step_budget_frontier(X, Y, CODES, 0), "steps is 0"),
        (lambda: step_budget_frontier(X, Y, CODES, 1.5), "steps is 1.5"),
        (lambda: step_budget_frontier(X, Y, CODES, 1, rates=(1.0,)), "rate is 1"),
        (lambda: step_budget_frontier(X, Y, CODES, 1, penalties=(-1.0,)), "penalty is -1"),
        (lambda: step_budget_frontier(X, Y, CODES, 1, ridges=()), "no settings to try"),
        (lambda: step_budget_frontier(X, Y, CODES, 1, -0.1), "eps is -0.1"),
        (lambda: step_budget_frontier(X, Y, np.arange(80) % 3, 1), "for two groups, not 3"),
        (lambda: step_budget_frontier(np.ones((80, 1)), Y, CODES, 1), "the same mean row"),
        (lambda: step_budget_frontier(X, 0 * Y, CODES, 1), "no column goes with the labels"),
        (lambda: step_budget_floor(X, Y, CODES, 1, [-1.0]), "gap is -1"),
        (lambda: step_budget_floor(X, np.full(80, math.nan), CODES, 1), "y holds values that are not finite"),
    ],
)
def test_bad_input_is_one_line(call, says):
    with pytest.raises(UsageError, match=says):
        call()
