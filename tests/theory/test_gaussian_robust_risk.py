"""The least robust error on two Gaussian classes: known numbers, an optimiser over linear rules, simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import ndtr

from efficienttrust.errors import UsageError
from efficienttrust.theory._attack_norms import DUAL_ORDER, nearest_in_ball
from efficienttrust.theory._sample_curve import robust_sample_curve, robust_sample_scaling
from efficienttrust.theory.catalogue.gaussian_robust_risk import gaussian_robust_classifier, gaussian_robust_risk

MU = (1.2, 0.8, 0.3, 0.1)
ORDER = {"l1": 1, "l2": 2, "linf": np.inf}
NORMS = pytest.mark.parametrize("norm", ["l1", "l2", "linf"])


def linear_error(w, b, mu, eps, norm, pi, covariance):
    scale = math.sqrt(w @ covariance @ w)
    margin = w @ mu - eps * np.linalg.norm(w, DUAL_ORDER[norm])
    return pi * ndtr(-(margin + b) / scale) + (1 - pi) * ndtr(-(margin - b) / scale)


@pytest.mark.parametrize(
    ("eps", "norm", "pi", "risk"),
    [
        (0.0, "l2", 0.5, 0.0699072),
        (0.25, "l2", 0.5, 0.110009),
        (0.25, "linf", 0.5, 0.135914),
        (0.25, "l2", 0.2, 0.0801167),
        (0.25, "linf", 0.2, 0.0974501),
    ],
)
def test_numbers_of_the_catalogue(eps, norm, pi, risk):
    assert float(gaussian_robust_risk(MU, eps, norm, pi=pi)) == pytest.approx(risk, rel=5e-6)


@NORMS
@pytest.mark.parametrize("pi", [0.5, 0.2])
@pytest.mark.parametrize("correlated", [False, True])
def test_no_linear_rule_has_less(norm, pi, correlated):
    mu = np.array([1.2, 0.8, 0.3])
    covariance = np.array([[1.0, 0.5, 0.1], [0.5, 1.5, 0.2], [0.1, 0.2, 0.7]]) if correlated else np.eye(3)
    found = gaussian_robust_risk(mu, 0.25, norm, pi=pi, covariance=covariance)
    searched = min(
        minimize(
            lambda v: linear_error(v[:3], v[3], mu, 0.25, norm, pi, covariance),
            start,
            method="Nelder-Mead",
            options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000},
        ).fun
        for start in ([1.0, 0.8, 0.3, 0.1], [1.0, 0.1, 0.1, -0.3])
    )
    assert float(found) == pytest.approx(searched, abs=1e-6)


@NORMS
@pytest.mark.parametrize("pi", [0.5, 0.2])
def test_the_shift_is_an_attack_that_no_classifier_withstands_better(norm, pi):
    """Under the shift the classes are Gaussian; the likelihood ratio, best of all classifiers, errs as often."""
    bound = gaussian_robust_risk(MU, 0.25, norm, pi=pi)
    shift, rng = bound.details["shift"], np.random.default_rng(0)
    assert np.linalg.norm(shift, ORDER[norm]) <= 0.25 + 1e-12
    y = np.where(rng.uniform(size=200_000) < pi, 1.0, -1.0)
    moved = np.array(MU) - shift
    x = y[:, None] * moved + rng.normal(size=(len(y), 4))
    decided = np.where(2 * x @ moved + math.log(pi / (1 - pi)) > 0, 1.0, -1.0)
    error = (decided != y).mean()
    assert abs(error - float(bound)) <= 4 * math.sqrt(error * (1 - error) / len(y))


@NORMS
def test_the_rule_has_the_error_that_is_said_of_it(norm):
    covariance = np.array([[1.0, 0.4], [0.4, 2.0]])
    rule = gaussian_robust_classifier((1.0, 0.8), 0.2, norm, pi=0.3, covariance=covariance)
    rng = np.random.default_rng(1)
    y = np.where(rng.uniform(size=200_000) < 0.3, 1.0, -1.0)
    x = y[:, None] * np.array([1.0, 0.8]) + rng.multivariate_normal(np.zeros(2), covariance, len(y))
    margins = y * (x @ rule.w + rule.b)
    for bound, pull in ((rule.standard, 0.0), (rule.robust, 0.2 * np.linalg.norm(rule.w, DUAL_ORDER[norm]))):
        error = (margins <= pull).mean()
        assert abs(error - float(bound)) <= 4 * math.sqrt(error * (1 - error) / len(y))


@settings(max_examples=40, deadline=None)
@given(
    mu=st.lists(st.floats(-3, 3), min_size=1, max_size=5).filter(lambda values: max(map(abs, values)) > 0.1),
    eps=st.floats(0, 2),
    more=st.floats(0, 1),
    norm=st.sampled_from(["l1", "l2", "linf"]),
    pi=st.floats(0.05, 0.95),
)
def test_properties(mu, eps, more, norm, pi):
    less, same = (float(gaussian_robust_risk(mu, eps, norm, pi=share)) for share in (pi, 1 - pi))
    assert less == pytest.approx(same, abs=1e-9)  # names of the classes do not matter
    assert less <= float(gaussian_robust_risk(mu, eps + more, norm, pi=pi)) + 1e-9  # rises with eps
    scaled = gaussian_robust_risk([3 * value for value in mu], 3 * eps, norm, pi=pi, sigma=3.0)
    assert less == pytest.approx(float(scaled), abs=1e-9)
    flipped = gaussian_robust_risk([-value for value in reversed(mu)], eps, norm, pi=pi)
    assert less == pytest.approx(float(flipped), abs=1e-9)
    assert less <= min(pi, 1 - pi) + 1e-9


@NORMS
def test_no_attack_gives_the_standard_risk(norm):
    rule = gaussian_robust_classifier(MU, 0.0, norm, pi=0.4)
    assert float(rule.robust) == float(rule.standard)
    assert rule.standard.details["price"] == pytest.approx(0.0, abs=1e-12)


def test_balanced_l2_is_free_and_linf_is_not():
    assert gaussian_robust_classifier(MU, 0.25, "l2").standard.details["price"] == pytest.approx(0.0, abs=1e-12)
    assert gaussian_robust_classifier(MU, 0.25, "linf").standard.details["price"] > 1e-3
    assert gaussian_robust_classifier(MU, 0.25, "l2", pi=0.2).standard.details["price"] > 1e-5


@NORMS
def test_beyond_the_separation_it_is_that_of_a_constant_and_says_so(norm):
    bound = gaussian_robust_risk((0.5, 0.2), 2.0, norm, pi=0.3)
    assert bound.value == 0.3
    assert bound.vacuous
    assert not bound.rigorous
    assert "constant" in bound.reason


@settings(max_examples=60, deadline=None)
@given(
    point=st.lists(st.floats(-2, 2), min_size=1, max_size=6),
    eps=st.floats(0.01, 3),
    norm=st.sampled_from(["l1", "l2", "linf"]),
    seed=st.integers(0, 1000),
)
def test_the_nearest_point_is_in_the_ball_and_nearest(point, eps, norm, seed):
    target = np.array(point)
    nearest = nearest_in_ball(target, eps, norm)
    others = np.random.default_rng(seed).normal(size=(50, len(target)))
    others *= eps / np.linalg.norm(others, ORDER[norm], axis=1, keepdims=True)
    assert np.linalg.norm(nearest, ORDER[norm]) <= eps * (1 + 1e-9)
    assert ((others - nearest) @ (target - nearest) <= 1e-9).all()  # the projection's inequality


@NORMS
@pytest.mark.parametrize("mu", [(0.3,), (1.2, 0.8)])
def test_sample_curve_by_quadrature_agrees_with_simulated_training_sets(mu, norm):
    curve = robust_sample_curve(mu, 0.25, norm, n=[1, 3, 50])
    rng, mean = np.random.default_rng(2), np.array(mu)
    for n, exact in zip((1, 3, 50), curve.value, strict=True):
        w = (mean + rng.normal(size=(4000, n, len(mu)))).mean(axis=1)  # y x has the law N(mu, I)
        errors = ndtr((0.25 * np.linalg.norm(w, DUAL_ORDER[norm], axis=1) - w @ mean) / np.linalg.norm(w, axis=1))
        assert abs(errors.mean() - exact) <= 4 * errors.std() / math.sqrt(len(errors))
    assert curve.kind == "exact"


def test_sample_curve_by_simulation_agrees_with_quadrature():
    """A column of pure noise under l2 acts like none for the attack, so that d = 3 nearly has the law of d = 2."""
    flat = robust_sample_curve((1.2, 0.8), 0.3, "linf", n=[4, 10_000])
    estimate = robust_sample_curve((1.2, 0.8, 0.0), 0.3, "linf", n=[4, 10_000, 10**9], draws=4000)
    assert estimate.kind == "estimate"
    assert (estimate.details["standard_error"] > 0).all()
    assert estimate.value[0] > flat.value[0]  # the column only harms
    # the plug-in rule does not know of the attack: its limit is not the optimum
    limit = ndtr((0.3 * 2.0 - 2.08) / math.sqrt(2.08))
    assert estimate.value[2] == pytest.approx(limit, abs=1e-4)
    assert float(gaussian_robust_risk((1.2, 0.8), 0.3, "linf")) < limit


def test_sample_scaling():
    assert float(robust_sample_scaling(10_000, 0.5)) == pytest.approx(0.25 * 100 / math.log(10_000))
    assert robust_sample_scaling(100, 0.1).kind == "scaling"
    assert not robust_sample_scaling(100, 0.1).rigorous
    alone = robust_sample_scaling(1, 0.1)
    assert alone.vacuous
    assert math.isnan(alone.value)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"eps": -0.1}, "at least 0"),
        ({"norm": "l3"}, "unknown norm"),
        ({"pi": 1.0}, "between 0 and 1"),
        ({"sigma": 0.0}, "above 0"),
        ({"mu": [[1.0]]}, "one finite number for each column"),
        ({"covariance": [[1.0, 2.0], [2.0, 1.0]]}, "not positive definite"),
        ({"covariance": np.eye(3)}, "symmetric matrix"),
    ],
)
def test_bad_input(arguments, said):
    with pytest.raises(UsageError, match=said):
        gaussian_robust_risk(**{"mu": (1.0, 0.5), "eps": 0.1, **arguments})
