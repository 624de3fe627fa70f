"""The front of linear models: metrics against simulation, the test of conflict against linear programmes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize

from efficienttrust.errors import UsageError
from efficienttrust.theory._conflict_test import joint_improvement
from efficienttrust.theory._gaussian_groups import gaussian_groups
from efficienttrust.theory._logistic_path import logistic_path
from efficienttrust.theory.catalogue.linear_robustness import gaussian_group_metrics
from efficienttrust.theory.catalogue.trust_front import EXAMPLE, NO_ROOM, linear_trust_front

EPS = 0.2


@pytest.fixture(scope="module")
def front():
    return linear_trust_front(*EXAMPLE, EPS, "l2", steps=(1, 4, 16, 64))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 100_000), k=st.integers(1, 5))
def test_the_direction_is_the_best_of_an_optimiser(seed, k):
    """max t with g_i.d <= -t, |d| <= 1: a cone programme, solved by SLSQP; its sign by a linear programme."""
    gradients = np.random.default_rng(seed).normal(size=(1, 3, k))
    directions, room = joint_improvement(gradients)
    unit = gradients[0] / np.linalg.norm(gradients[0], axis=1, keepdims=True)
    feasible = linprog(
        [*np.zeros(k), -1.0], A_ub=np.hstack([unit, np.ones((3, 1))]), b_ub=np.zeros(3), bounds=[(-1, 1)] * (k + 1)
    )
    assert (-feasible.fun > 1e-9) == (room[0] > 1e-7)
    if room[0] > 1e-7:
        assert np.linalg.norm(directions[0]) == pytest.approx(1.0)
        assert (-unit @ directions[0]).min() == pytest.approx(room[0], abs=1e-9)
        best = minimize(
            lambda v: -v[-1],
            [*directions[0] * 0.5, 0.0],
            method="SLSQP",
            constraints=[
                {"type": "ineq", "fun": lambda v: -unit @ v[:-1] - v[-1]},
                {"type": "ineq", "fun": lambda v: 1 - v[:-1] @ v[:-1]},
            ],
        )
        assert room[0] == pytest.approx(best.x[-1], abs=1e-5)


def test_parallel_and_vanishing_gradients():
    same = np.tile([1.0, 0.0], (1, 3, 1))
    assert joint_improvement(same)[1] == pytest.approx([1.0])
    opposed = np.array([[[1.0, 0.0], [-2.0, 0.0], [0.0, 1.0]]])
    assert joint_improvement(opposed)[1] == pytest.approx([0.0], abs=1e-9)
    flat = np.array([[[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]]])
    directions, room = joint_improvement(flat)
    assert room == 0.0
    assert not directions.any()


def test_improvements_improve_and_conflicts_do_not(front):
    """Moves of every size in 400 directions: some improve all where the front says so, none where it does not."""
    world = gaussian_groups(*EXAMPLE)
    rules = np.column_stack([front.w, front.b])
    for place in range(0, len(rules), 7):
        here = world.losses(rules[[place], :-1], rules[[place], -1], EPS, "l2")
        if not front.conflict[place]:
            moved = rules[[place]] + 1e-5 * front.improvement[[place]]
            assert (world.losses(moved[:, :-1], moved[:, -1], EPS, "l2") < here).all()
        elif front.dpd.value[place] > 1e-6:
            directions = np.random.default_rng(place).normal(size=(400, 3))
            directions /= np.linalg.norm(directions, axis=1, keepdims=True)
            moved = rules[place] + 1e-4 * directions
            falls = here - world.losses(moved[:, :-1], moved[:, -1], EPS, "l2")
            steepest = np.linalg.norm(world.gradients(rules[[place], :-1], rules[[place], -1], EPS, "l2")[0], axis=1)
            assert ((falls / (1e-4 * steepest)).min(axis=1) <= NO_ROOM + 1e-3).all()


def test_opposed_pairs_are_those_whose_steepest_improvement_harms(front):
    world = gaussian_groups(*EXAMPLE)
    slopes = world.gradients(front.w, front.b, EPS, "l2")
    for column, (i, j) in enumerate(((0, 1), (0, 2), (1, 2))):
        clear = np.abs((slopes[:, i] * slopes[:, j]).sum(axis=1)) > 1e-6
        moved = [part - 1e-6 * slopes[:, i, index] for part, index in ((front.w, slice(0, -1)), (front.b, -1))]
        harmed = world.losses(*moved, EPS, "l2")[:, j] > world.losses(front.w, front.b, EPS, "l2")[:, j]
        np.testing.assert_array_equal(harmed[clear], front.opposed[clear, column])


def test_metrics_are_those_of_the_rules(front):
    metrics = gaussian_group_metrics(front.w, front.b, *EXAMPLE, EPS, "l2")
    for name in ("accuracy", "robust_accuracy", "dpd"):
        np.testing.assert_allclose(getattr(front, name).value, getattr(metrics, name).value, atol=1e-12)
        assert getattr(front, name).kind == "exact"


def test_improved_rules_are_at_least_as_good_as_those_they_start_from(front):
    last, limit = front.steps == 64, np.isinf(front.steps)
    assert (front.accuracy.value[limit] >= front.accuracy.value[last]).all()
    assert (front.robust_accuracy.value[limit] >= front.robust_accuracy.value[last]).all()
    assert (front.dpd.value[limit] <= front.dpd.value[last]).all()
    assert front.conflict[limit].all()
    assert not front.conflict[front.steps == 1].any()


def test_efficient_rules_are_not_dominated(front):
    points = np.column_stack([-front.accuracy.value, -front.robust_accuracy.value, front.dpd.value, front.steps])
    for place, point in enumerate(points):
        clearly = (points <= point + 1e-12).all(axis=1) & (points[:, :3] < point[:3] - 1e-8).any(axis=1)
        roughly = (points <= point + 1e-8).all(axis=1) & (points[:, :3] < point[:3] - 1e-10).any(axis=1)
        assert not (front.efficient[place] and clearly.any())
        assert front.efficient[place] or roughly.any()
    assert 0 < front.efficient.sum() < len(points)


def test_the_path_follows_the_population_loss_of_simulated_rows():
    """Gradient descent on 300,000 drawn rows, with the same step size, stays within the noise of the closed form."""
    world = gaussian_groups(*EXAMPLE)
    setting = np.array([[1.0, 0.5]])
    w, b, used = logistic_path(world, setting, EPS, "l2", [30], 1.0)
    rng, n = np.random.default_rng(0), 300_000
    cells = rng.choice(4, n, p=world.joint.ravel())
    a, y = cells // 2, cells % 2
    x = world.means[a, y] + rng.multivariate_normal(np.zeros(2), world.covariance[0, 0], n)
    s = 2.0 * y - 1
    centres = np.stack([x[a == g].mean(axis=0) for g in (0, 1)])
    shares = np.bincount(a) / n
    apart = centres - shares @ centres
    spread = (shares[:, None] * apart).T @ apart
    lifted = np.column_stack([x, np.ones(n)])
    eta = 1 / (np.linalg.eigvalsh(lifted.T @ lifted / n)[-1] / 4 + used[0] * np.linalg.eigvalsh(spread)[-1])
    v, c = np.zeros(2), 0.0
    for _ in range(30):
        z = x @ v + c
        slope_v, slope_c = used[0] * spread @ v, 0.0
        for share, size in ((0.5, 0.0), (0.5, EPS)):
            length = np.linalg.norm(v)
            risk = 1 / (1 + np.exp(s * z - size * length))
            slope_v = slope_v + share * (-(s * risk) @ x / n + size * risk.mean() * v / max(length, 1e-12))
            slope_c -= share * (s * risk).mean()
        v, c = v - eta * slope_v, c - eta * slope_c
    np.testing.assert_allclose(v, w[0, 0], atol=0.02)
    assert c == pytest.approx(b[0, 0], abs=0.02)


@pytest.mark.parametrize("norm", ["l1", "linf"])
def test_other_norms_and_three_groups(norm):
    rng = np.random.default_rng(0)
    front = linear_trust_front(
        rng.normal(size=(3, 2, 4)), np.eye(4), [0.2, 0.3, 0.5], [0.3, 0.5, 0.6], 0.1, norm, steps=(1, 8)
    )
    assert np.isfinite(front.accuracy.value).all()
    assert (front.robust_accuracy.value <= front.accuracy.value + 1e-12).all()
    assert ((front.room >= 0) & (front.room <= 1 + 1e-12)).all()


def test_groups_with_equal_means_need_no_penalty():
    means = np.tile([[[-1.0, 0.0], [1.0, 0.5]]], (2, 1, 1))
    front = linear_trust_front(means, np.eye(2), [0.4, 0.6], [0.5, 0.5], 0.1, steps=(1, 4))
    assert (front.settings[:, 0] == 0).all()
    assert np.abs(front.dpd.value).max() < 1e-12
    assert front.conflict.all()  # no gap is left to improve


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"steps": (4, 2)}, "rising"),
        ({"steps": ()}, "rising"),
        ({"shares": (1.5,)}, "from 0 to 1"),
        ({"rate": 2.0}, "below 2"),
        ({"eps": 0.0}, "above 0"),
        ({"penalties": (-1.0,)}, "at least 0"),
        ({"means": np.zeros((2, 2, 2)), "p": (0.5, 0.5)}, "same mean"),
        ({"means": np.ones((1, 2, 2)), "pi": (1.0,), "p": (0.5,)}, "two or more"),
        ({"norm": "l9"}, "unknown norm"),
    ],
)
def test_bad_input(change, said):
    arguments = dict(zip(("means", "covariance", "pi", "p"), EXAMPLE, strict=True), eps=EPS)
    with pytest.raises(UsageError, match=said):
        linear_trust_front(**{**arguments, "steps": (1, 2), **change})
