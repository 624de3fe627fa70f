"""T8: what a budget of steps leaves, at worst and, in linear models, exactly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efficienttrust.errors import UsageError
from efficienttrust.theory.catalogue.iterations import (
    FLOW_AGAINST_RIDGE,
    descent_bound,
    flow_against_ridge,
    gd_path,
    min_primal_dual_steps,
    primal_dual_violation,
    reductions_calls,
)


def rows(seed, n=60, d=5, groups=2):
    rng = np.random.default_rng(seed)
    codes = np.concatenate([np.arange(groups), rng.integers(0, groups, n - groups)])
    x = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + 0.5 * codes[:, None]
    return x, x @ rng.normal(size=d) + rng.normal(size=n) + codes, codes


def descend(x, y, eta, steps, ridge=0.0):
    beta = np.zeros(x.shape[1])
    for _ in range(steps):
        beta = beta - eta * (x.T @ (x @ beta - y) / len(y) + ridge * beta)
    return beta


def largest(x, ridge=0.0):
    return np.linalg.eigvalsh(x.T @ x / len(x))[-1] + ridge


def test_calls_of_the_reductions_approach():
    calls = reductions_calls(1.0, 100.0, 2.0, 4)
    assert calls.value == 257_511
    assert calls.details["violation"] == pytest.approx(0.03)
    assert calls.rigorous
    assert reductions_calls(0.5, 100.0, 2.0, 4).value == pytest.approx(4 * calls.value, abs=4)
    assert reductions_calls(10.0, 1.0, 2.0, 4).vacuous


def gradient_descent_ascent(steps, eta, most=math.inf):
    """Return the violation of the average on min (x - 2)^2 / 2 s.t. x <= 1, from x = 0 and no multiplier."""
    x = multiplier = total = 0.0
    for _ in range(steps):
        total += x
        x, multiplier = x - eta * (x - 2 + multiplier), min(most, max(0.0, multiplier + eta * (x - 1)))
    return total / steps - 1


def test_the_violation_of_gradient_descent_ascent_halves_with_four_times_the_steps_and_obeys_the_bound():
    budgets = (100, 400, 1600, 6400)
    seen = [gradient_descent_ascent(steps, 0.7 / math.sqrt(steps)) for steps in budgets]
    assert seen == pytest.approx((0.0921, 0.0486, 0.0245, 0.0123), abs=5e-5)
    for steps in budgets:
        # x stays in [0, 2]: the multiplier is 1 at best and at most 2, so a subgradient has at most sqrt(2^2 + 1^2)
        bound = primal_dual_violation(steps, diameter=1, gradient=math.sqrt(5), multiplier=1, radius=1)
        assert gradient_descent_ascent(steps, bound.details["step_size"], most=2) <= bound.value


@settings(max_examples=50, deadline=None)
@given(st.floats(0.01, 1), st.floats(0.1, 10), st.floats(0.1, 10), st.floats(0, 10), st.floats(0.1, 10))
def test_the_fewest_primal_dual_steps_are_the_inverse_of_the_violation(tau, diameter, gradient, multiplier, radius):
    parts = (diameter, gradient, multiplier, radius)
    steps = min_primal_dual_steps(tau, *parts).value
    assert primal_dual_violation(steps, *parts).value <= tau * (1 + 1e-9)
    if steps > 1:
        assert primal_dual_violation(steps - 1, *parts).value > tau * (1 - 1e-9)
    reach = math.hypot(diameter, multiplier + radius)
    assert steps == pytest.approx((reach * gradient / (radius * tau)) ** 2, abs=1)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 200))
def test_gradient_descent_is_never_farther_from_the_optimum_than_its_bound(seed, steps):
    x, y, _ = rows(seed)
    best = np.linalg.lstsq(x, y, rcond=None)[0]
    curvature = np.linalg.eigvalsh(x.T @ x / len(x))
    beta = descend(x, y, 1 / curvature[-1], steps)

    def loss(b):
        return ((y - x @ b) ** 2).mean() / 2

    bound = descent_bound(steps, curvature[-1], np.linalg.norm(best), max(0.0, curvature[0])).value
    assert loss(beta) - loss(best) <= bound * (1 + 1e-9) + 1e-12
    assert bound <= descent_bound(steps, curvature[-1], np.linalg.norm(best)).value


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.01, 0.99), st.sampled_from([0.0, 0.3, 10.0]), st.integers(2, 3))
def test_the_path_is_that_of_gradient_descent_that_is_really_run(seed, rate, ridge, groups):
    x, y, codes = rows(seed, groups=groups)
    eta = rate * 2 / largest(x, ridge)
    steps = (0, 1, 2, 7, 60)
    path = gd_path(x, y, codes, eta, steps, 0.2, ridge=ridge)
    for place, k in enumerate(steps):
        beta = descend(x, y, eta, k, ridge)
        assert path.beta[:, place] == pytest.approx(beta, abs=1e-10 * max(1, np.abs(beta).max()))
        residual = y - x @ beta
        assert path.utility.value[place] == pytest.approx((residual**2).mean())
        means = [(x[codes == code] @ beta).mean() for code in range(groups)]
        gap = means[1] - means[0] if groups == 2 else np.ptp(means)
        assert path.gap.value[place] == pytest.approx(gap, abs=1e-9)
        worst = (np.abs(residual) + 0.2 * np.linalg.norm(beta)) ** 2
        assert path.robust.value[place] == pytest.approx(worst.mean())
    assert path.utility.kind == "exact"


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_the_robust_risk_is_attained_by_an_attack_and_by_no_weaker_one(norm):
    x, y, codes = rows(0)
    path = gd_path(x, y, codes, 1 / largest(x), (9,), 0.3, norm=norm)
    beta = path.beta[:, 0]
    direction = beta / np.linalg.norm(beta) if norm == "l2" else np.sign(beta)
    attacked = x - 0.3 * np.sign(y - x @ beta)[:, None] * direction
    assert path.robust.value[0] == pytest.approx(((y - attacked @ beta) ** 2).mean())
    rng = np.random.default_rng(0)
    for _ in range(200):
        noise = rng.normal(size=x.shape)
        noise *= 0.3 / np.linalg.norm(noise, 2 if norm == "l2" else np.inf, axis=1, keepdims=True)
        assert ((y - (x + noise) @ beta) ** 2).mean() <= path.robust.value[0]


@pytest.mark.parametrize("duplicated", [False, True])
def test_the_limit_is_least_squares_and_ridge(duplicated):
    x, y, codes = rows(3)
    if duplicated:  # a singular Hessian: the limit has least norm
        x = np.column_stack([x, x[:, 0]])
    eta = 1 / largest(x)
    limit = gd_path(x, y, codes, eta, (math.inf,))
    assert limit.beta[:, 0] == pytest.approx(np.linalg.pinv(x) @ y, abs=1e-8)
    ridge = gd_path(x, y, codes, eta / 2, (math.inf, 10**6), ridge=0.5)
    expected = np.linalg.solve(x.T @ x / len(x) + 0.5 * np.eye(x.shape[1]), x.T @ y / len(x))
    assert ridge.beta[:, 0] == pytest.approx(expected)
    assert ridge.beta[:, 1] == pytest.approx(expected)


def test_utility_only_improves_below_one_over_the_largest_curvature():
    x, y, codes = rows(5)
    utility = gd_path(x, y, codes, 0.99 / largest(x), range(50)).utility.value
    assert (np.diff(utility) <= 1e-12).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.01, 100), st.integers(1, 8))
def test_stopping_early_is_nearly_ridge(seed, noise, d):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(40, d)) * rng.lognormal(size=d)
    ratio = flow_against_ridge(x, rng.normal(size=d), noise, np.geomspace(1e-3, 1e3, 40))
    assert ratio.value.max() <= FLOW_AGAINST_RIDGE
    assert ratio.value[0] == pytest.approx(1, abs=0.3)


def test_the_risks_of_flow_and_ridge_are_those_of_simulation():
    rng = np.random.default_rng(0)
    x, beta, noise, t = rng.normal(size=(30, 3)), np.array([1.0, -0.5, 0.2]), 0.7, 2.0
    s, v = np.linalg.eigh(x.T @ x / 30)
    y = (x @ beta)[:, None] + math.sqrt(noise) * rng.normal(size=(30, 20_000))
    projected = v.T @ (x.T @ y) / 30
    shrinkage = {"flow": (1 - np.exp(-t * s)) / s, "ridge": 1 / (s + 1 / t)}
    exact = flow_against_ridge(x, beta, noise, (t,)).details
    for name, shrunk in shrinkage.items():
        losses = ((v @ (shrunk[:, None] * projected) - beta[:, None]) ** 2).sum(axis=0)
        assert abs(exact[name][0] - losses.mean()) < 4 * losses.std() / math.sqrt(losses.size)


X, Y, CODES = rows(0)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: reductions_calls(0, 1, 1, 1), "nu is 0"),
        (lambda: primal_dual_violation(0, 1, 1, 1, 1), "steps is 0"),
        (lambda: min_primal_dual_steps(0, 1, 1, 1, 1), "tau is 0"),
        (lambda: descent_bound(1, 1, 1, 2), "swap them"),
        (lambda: gd_path(X, Y, CODES, 1e9, (1,)), "the step size is 1e"),
        (lambda: gd_path(X, Y, CODES, 1e-3, (0.5,)), "steps is 0.5"),
        (lambda: gd_path(X, Y[:-1], CODES, 1e-3, (1,)), "y has the shape"),
        (lambda: gd_path(X, Y, 2 * CODES, 1e-3, (1,)), "the groups hold the codes 0, 2"),
        (lambda: gd_path(X, Y, 0 * CODES, 1e-3, (1,)), "two or more"),
        (lambda: gd_path(X, Y, CODES, 1e-3, (1,), -1.0), "eps is -1"),
        (lambda: gd_path(X, Y, CODES, 1e-3, (1,), norm="l3"), "unknown norm 'l3'"),
        (lambda: flow_against_ridge(X, np.ones(2), 1.0, (1,)), "beta has the shape"),
        (lambda: flow_against_ridge(X, np.ones(5), 1.0, (0,)), "time is 0"),
    ],
)
def test_bad_input_is_one_line(call, says):
    with pytest.raises(UsageError, match=says):
        call()
