"""Robust risk of linear models: attacks never beat it and reach it, numbers of the catalogue, simulation."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize

from efficienttrust.errors import UsageError
from efficienttrust.theory._attack_norms import DUAL_ORDER
from efficienttrust.theory._gaussian_groups import gaussian_groups
from efficienttrust.theory.catalogue.gaussian_robust_risk import gaussian_robust_risk
from efficienttrust.theory.catalogue.linear_robustness import (
    adversarial_regression_risk,
    gaussian_group_metrics,
    linear_pareto_front,
    linear_robust_error,
)
from efficienttrust.threats import attacks, ball, run_attack
from tests.threats.worlds import LinearVictim, World, draw

MU = (1.2, 0.8, 0.3, 0.1)
NORMS = pytest.mark.parametrize("norm", ["l1", "l2", "linf"])


def box_case(seed: int) -> tuple[World, np.ndarray, torch.Tensor]:
    world, rng = draw(seed), np.random.default_rng(seed)
    w = np.zeros(world.x.shape[1])
    w[: world.p] = rng.normal(size=world.p)
    w[world.p :] = rng.normal(size=len(w) - world.p)
    return world, w.astype(np.float32), torch.from_numpy((world.x.numpy() @ w.astype(np.float32)) * 0)


@pytest.mark.parametrize("name", ["pgd", "apgd_ce"])
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), eps=st.floats(0.05, 1.5))
def test_attacks_of_the_evaluator_reach_it_in_a_domain_and_never_beat_it(name, seed, eps):
    world, w, _ = box_case(seed)
    assume(((eps * world.scale) % 1 < 0.998).all())
    offset = world.x[:, world.p :] @ torch.from_numpy(w[world.p :])
    victim = LinearVictim(torch.from_numpy(w[: world.p]), offset)
    found = run_attack(
        attacks.get(name), victim, world.reach(eps), world.y, torch.Generator().manual_seed(0), restarts=2
    )
    exact = linear_robust_error(w, 0.0, world.x.numpy(), world.y.numpy(), eps, "linf", world.domain)
    assert exact.kind == "exact"
    clear = np.abs(exact.details["margins"]) > 1e-3  # float32 attacks cannot tell the others
    np.testing.assert_array_equal(~found.right.numpy()[clear], exact.details["wrong"][clear])


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_attacks_of_the_evaluator_reach_it_in_a_ball(norm):
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(300, 5)).astype(np.float32), rng.normal(size=5).astype(np.float32)
    y = (x @ w + rng.normal(size=300) > 0).astype(np.int64)
    victim = LinearVictim(torch.from_numpy(w), torch.zeros(300))
    region = ball(torch.from_numpy(x), 0.3, norm, lower=-100.0, upper=100.0)
    found = run_attack(attacks.get("pgd"), victim, region, torch.from_numpy(y), torch.Generator().manual_seed(0))
    exact = linear_robust_error(w, 0.0, x, y, 0.3, norm)
    assert (~found.right).float().mean().item() == pytest.approx(float(exact), abs=1 / 300)
    assert float(exact) > exact.details["clean"]


@pytest.mark.parametrize("norm", ["l1", "l2"])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), eps=st.floats(0.05, 2.0))
def test_balls_cut_by_a_box_agree_with_an_optimiser(norm, seed, eps):
    world, w, _ = box_case(seed)
    domain = replace(world.domain, step=np.zeros_like(world.domain.step))
    x, y = world.x.numpy().astype(np.float64)[:4], world.y.numpy()[:4]
    found = linear_robust_error(w, 0.1, x, y, eps, norm, domain)
    assert found.kind == "exact"
    for row, label, margin in zip(x, np.where(y > 0, 1, -1), found.details["margins"], strict=True):
        c = -label * w[: world.p].astype(np.float64)  # to be maximised
        free = domain.mutable & ~((domain.indicator >= 0) & (row[np.maximum(domain.indicator, 0)] > 0))
        low = np.where(free, np.minimum(domain.lower - row[: world.p], 0), 0)
        high = np.where(free, np.maximum(domain.upper - row[: world.p], 0), 0)
        if norm == "l1":
            signs = np.concatenate([np.ones(world.p), -np.ones(world.p)])
            bounds = [(0, h) for h in high] + [(0, -part) for part in low]
            best = -linprog(-signs * np.tile(c, 2), A_ub=np.ones((1, 2 * world.p)), b_ub=[eps], bounds=bounds).fun
        else:
            best = -minimize(
                lambda s, c=c: -c @ s,
                np.zeros(world.p),
                jac=lambda s, c=c: -c,
                method="SLSQP",
                bounds=list(zip(low, high, strict=True)),
                constraints={"type": "ineq", "fun": lambda s: eps**2 - s @ s, "jac": lambda s: -2 * s},
                options={"ftol": 1e-12, "maxiter": 500},
            ).fun
        assert margin == pytest.approx(label * (row @ w + 0.1) - best, abs=2e-5)


@NORMS
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), eps=st.floats(0, 1), more=st.floats(0, 1))
def test_error_rises_with_eps_and_a_domain_only_restricts(norm, seed, eps, more):
    world, w, _ = box_case(seed)
    x, y = world.x.numpy(), world.y.numpy()
    inside = [float(linear_robust_error(w, 0.2, x, y, size, norm, world.domain)) for size in (0.0, eps, eps + more)]
    assert inside == sorted(inside)
    assert inside[0] == linear_robust_error(w, 0.2, x, y, 0.0, norm).details["clean"]
    assert inside[1] <= float(linear_robust_error(w, 0.2, x, y, eps, norm))
    both = [linear_robust_error(w, 0.2, x, labels, eps, norm) for labels in (y, 2 * y - 1)]
    assert float(both[0]) == float(both[1])


def test_a_score_of_zero_decides_negative():
    zero = linear_robust_error([1.0], 0.0, [[0.0], [0.0]], [0, 1], 0.0)
    assert zero.details["wrong"].tolist() == [False, True]


def test_whole_units_in_a_ball_make_it_an_upper_bound():
    world, w, _ = box_case(0)
    assert linear_robust_error(w, 0.0, world.x.numpy(), world.y.numpy(), 0.5, "l2", world.domain).kind == "upper"


def test_front_of_the_catalogue_is_never_beaten():
    front = linear_pareto_front(MU, 0.25, "linf")
    ends = [(float(front.standard.value[i]), float(front.robust.value[i])) for i in (0, -1)]
    assert ends[0] == pytest.approx((0.0699072, 0.142285), rel=5e-6)
    assert ends[1] == pytest.approx((0.0733203, 0.135914), rel=5e-6)
    assert float(front.robust.value[-1]) == pytest.approx(float(gaussian_robust_risk(MU, 0.25, "linf")), abs=1e-12)
    rng, mu = np.random.default_rng(0), np.array(MU)
    w = np.concatenate([rng.normal(size=(10_000, 4)), mu + 0.3 * rng.normal(size=(10_000, 4))])
    w /= np.linalg.norm(w, axis=1, keepdims=True)
    from scipy.special import ndtr

    standard, robust = ndtr(-(w @ mu)), ndtr(-(w @ mu - 0.25 * np.abs(w).sum(1)))
    least = np.interp(standard, front.standard.value, front.robust.value, left=np.inf, right=front.robust.value[-1])
    inside = standard >= front.standard.value[0]
    assert inside.all()
    assert (robust - least > -1e-5).all()


@NORMS
def test_front_is_a_front(norm):
    front = linear_pareto_front(MU, 0.3, norm, points=21)
    assert (np.diff(front.standard.value) >= -1e-12).all()
    assert (np.diff(front.robust.value) <= 1e-12).all()


def test_front_beyond_the_separation_is_refused():
    with pytest.raises(UsageError, match="smaller eps"):
        linear_pareto_front((0.2, 0.1), 0.5, "linf")


def test_regression_of_the_catalogue():
    risk = adversarial_regression_risk((0.8, 0.2, -0.1), (1.0, 0.5, -0.3), 0.25, 0.3)
    assert risk.details["standard"] == pytest.approx(0.42)
    assert float(risk) == pytest.approx(0.739815, abs=5e-7)


@NORMS
def test_regression_agrees_with_simulation(norm):
    theta, theta0, rng = np.array([0.8, 0.2, -0.1]), np.array([1.0, 0.5, -0.3]), np.random.default_rng(0)
    x = rng.normal(size=(200_000, 3))
    residual = np.abs(x @ theta0 + 0.5 * rng.normal(size=len(x)) - x @ theta)
    losses = (residual + 0.3 * np.linalg.norm(theta, DUAL_ORDER[norm])) ** 2
    exact = float(adversarial_regression_risk(theta, theta0, 0.25, 0.3, norm))
    assert abs(losses.mean() - exact) <= 4 * losses.std() / math.sqrt(len(losses))


def groups(seed: int, n_groups: int = 3, d: int = 3) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(n_groups, 2, d, d))
    return {
        "means": rng.normal(size=(n_groups, 2, d)),
        "covariance": factor @ factor.swapaxes(-1, -2) + 0.3 * np.eye(d),
        "pi": rng.dirichlet(np.full(n_groups, 5.0)),
        "p": rng.uniform(0.2, 0.8, n_groups),
    }


@NORMS
def test_group_metrics_agree_with_simulation(norm):
    world, rng = groups(0), np.random.default_rng(1)
    w, b, n = np.array([0.7, -0.2, 0.5]), 0.1, 300_000
    a = rng.choice(3, n, p=world["pi"])
    y = (rng.uniform(size=n) < world["p"][a]).astype(int)
    factor = np.linalg.cholesky(world["covariance"])
    x = world["means"][a, y] + np.einsum("nde,ne->nd", factor[a, y], rng.normal(size=(n, 3)))
    metrics = gaussian_group_metrics(w, b, **world, eps=0.2, norm=norm)
    z = x @ w + b
    se = 0.5 / math.sqrt(n)
    assert abs(((z > 0) == y).mean() - float(metrics.accuracy)) <= 4 * se
    assert abs(1 - float(linear_robust_error(w, b, x, y, 0.2, norm)) - float(metrics.robust_accuracy)) <= 4 * se
    smallest = min(((a == g) & (y == v)).sum() for g in range(3) for v in (0, 1))
    gap_se = 0.5 * math.sqrt(2 / smallest)
    rates = [(z[a == g] > 0).mean() for g in range(3)]
    assert abs(np.ptp(rates) - float(metrics.dpd)) <= 4 * gap_se
    odds = [[(z[(a == g) & (y == v)] > 0).mean() for g in range(3)] for v in (0, 1)]
    assert abs(max(np.ptp(row) for row in odds) - float(metrics.eod)) <= 4 * gap_se


@NORMS
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_gradients_of_the_metrics_are_their_slopes(norm, seed):
    world, rng = gaussian_groups(**groups(seed, 2)), np.random.default_rng(seed)
    w, b = rng.normal(size=(1, 3)), rng.normal(size=1)
    assume(np.abs(w).min() > 1e-3 and np.diff(np.sort(np.abs(w[0])))[-1] > 1e-3)
    assume(world.losses(w, b, 0.2, norm)[0, 2] > 1e-3)
    slopes = world.gradients(w, b, 0.2, norm)[0]
    for j in range(4):
        step = 1e-6 * (np.arange(4) == j)
        ahead, behind = (world.losses(w + s * step[:3], b + s * step[3:], 0.2, norm)[0] for s in (1, -1))
        np.testing.assert_allclose(slopes[:, j], (ahead - behind) / 2e-6, atol=1e-6)
    assert np.abs(slopes @ np.append(w, b)).max() < 1e-9  # no metric depends on the scale


def test_group_metrics_of_many_rules_are_those_of_each():
    world, rng = groups(3), np.random.default_rng(3)
    w, b = rng.normal(size=(5, 3)), rng.normal(size=5)
    many = gaussian_group_metrics(w, b, **world, eps=0.1)
    one = gaussian_group_metrics(w[2], float(b[2]), **world, eps=0.1)
    for name in ("accuracy", "robust_accuracy", "dpd", "eod"):
        assert getattr(many, name).value[2] == pytest.approx(float(getattr(one, name)), abs=1e-14)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pi": [0.5, 0.6, 0.1]}, "sum to 1"),
        ({"p": [0.0, 0.5, 0.5]}, "between 0 and 1"),
        ({"covariance": -np.eye(3)}, "positive definite"),
        ({"covariance": np.eye(2)}, "has the shape"),
        ({"means": np.zeros((3, 3))}, "2 classes"),
        ({"w": [0.0, 0.0, 0.0]}, "without weights"),
        ({"w": [1.0, 0.0]}, "shapes"),
        ({"eps": -1.0}, "at least 0"),
        ({"norm": "linff", "eps": 0.1}, "Did you mean 'linf'"),
    ],
)
def test_bad_groups(change, said):
    with pytest.raises(UsageError, match=said):
        gaussian_group_metrics(**{"w": [1.0, 0.0, 0.0], "b": 0.0, **groups(0), **change})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"y": [0, 2]}, "other labels"),
        ({"y": [0, -1]}, "other labels"),
        ({"w": [1.0]}, "one value for each"),
        ({"eps": -1.0}, "at least 0"),
        ({"norm": "l0"}, "unknown norm"),
        ({"domain": draw(0).domain}, "encode them alike"),
    ],
)
def test_bad_rows(change, said):
    with pytest.raises(UsageError, match=said):
        linear_robust_error(
            **{"w": [1.0, 0.0], "b": 0.0, "x": [[0.0, 1.0], [1.0, 1.0]], "y": [0, 1], "eps": 0.1, **change}
        )
