"""Robustness against equal class errors: known numbers, brute force over thresholds, signs that always hold."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize_scalar
from scipy.special import ndtr

from efficienttrust.errors import UsageError
from efficienttrust.theory.catalogue.class_conflict import gaussian_class_tradeoff


def errors(t, m, K):
    return np.array([ndtr(-(t + m)), ndtr((t - m) / K)])


def test_numbers_of_the_catalogue():
    found = gaussian_class_tradeoff(2.0, 2.0, 0.5)
    rules = {name: rule.standard.value for name, rule in found.rules.items()}
    np.testing.assert_allclose(rules["standard"], (0.0484663, 0.120991), rtol=5e-6)
    np.testing.assert_allclose(rules["robust"], (0.0275336, 0.148978), rtol=5e-6)
    np.testing.assert_allclose(rules["fair"], (0.0912112, 0.0912112), rtol=5e-6)
    assert [round(float(rules[name].mean()), 5) for name in ("standard", "robust", "fair")] == [
        0.08473,
        0.08826,
        0.09121,
    ]
    assert found.conflict.details["gap_standard"] == pytest.approx(0.0725, abs=5e-5)
    assert found.conflict.details["gap_robust"] == pytest.approx(0.1214, abs=5e-5)


@settings(max_examples=60, deadline=None)
@given(m=st.floats(0.1, 6), K=st.floats(1, 8), share=st.floats(0, 0.95))
def test_thresholds_are_optimal_and_the_robust_rule_widens_the_gap(m, K, share):
    e = share * m
    rules = gaussian_class_tradeoff(m, K, e).rules
    for name, left in (("standard", m), ("robust", m - e)):
        best = minimize_scalar(
            lambda t, left=left: errors(t, left, K).sum(), bounds=(-m, m), method="bounded", options={"xatol": 1e-10}
        )
        assert errors(rules[name].threshold, left, K).sum() <= best.fun + 1e-9
    equal = brentq(lambda t: np.diff(errors(t, m - e, K))[0], -50, 50, xtol=1e-13)
    assert rules["robust_fair"].threshold == pytest.approx(equal, abs=1e-6 * (1 + K))
    np.testing.assert_allclose(rules["fair"].standard.value, ndtr(-2 * m / (K + 1)), atol=1e-12)
    np.testing.assert_allclose(rules["robust_fair"].robust.value, ndtr(-2 * (m - e) / (K + 1)), atol=1e-12)
    shift = rules["robust"].standard.value - rules["standard"].standard.value
    assert shift[0] <= 1e-12
    assert shift[1] >= -1e-12


@settings(max_examples=30, deadline=None)
@given(m=st.floats(0.2, 5), K=st.floats(1.01, 6))
def test_without_attack_robust_is_standard_and_the_formulas_of_the_paper_hold(m, K):
    found = gaussian_class_tradeoff(m, K, 0.0)
    A, r = 2 * m / (K**2 - 1), math.sqrt((2 * m / (K**2 - 1)) ** 2 + 2 * math.log(K) / (K**2 - 1))
    expected = ndtr([A - K * r, r - K * A])
    np.testing.assert_allclose(found.rules["standard"].standard.value, expected, atol=1e-9)
    assert found.conflict.value == pytest.approx(0.0, abs=1e-12)


def test_the_diagonal_is_the_best_direction_in_many_columns():
    d, eta, eps, K = 4, 1.0, 0.3, 2.0
    found = gaussian_class_tradeoff(math.sqrt(d) * eta, K, math.sqrt(d) * eps).rules["robust"].robust.value.mean()
    rng = np.random.default_rng(0)
    for w in (np.ones(d) + 0.5 * rng.normal(size=(200, d))) * 1.0:
        margin = eta * w.sum() - eps * np.abs(w).sum()
        best = minimize_scalar(
            lambda t, w=w, margin=margin: (
                (ndtr(-(t + margin) / np.linalg.norm(w)) + ndtr((t - margin) / (K * np.linalg.norm(w)))) / 2
            ),
            bounds=(-8, 8),
            method="bounded",
        )
        assert best.fun >= found - 1e-9


def test_equal_spreads_have_no_conflict():
    found = gaussian_class_tradeoff(2.0, 1.0, 0.5)
    assert found.conflict.value == pytest.approx(0.0, abs=1e-15)
    assert all(rule.threshold == pytest.approx(0.0, abs=1e-15) for rule in found.rules.values())


def test_an_attack_beyond_the_mean_is_vacuous():
    found = gaussian_class_tradeoff(1.0, 2.0, 1.0)
    assert found.rules["robust"].standard.vacuous
    assert np.isnan(found.rules["robust"].standard.value).all()
    assert "reaches the other mean" in found.conflict.reason
    assert not found.rules["standard"].standard.vacuous


@pytest.mark.parametrize("arguments", [(0.0, 2.0, 0.1), (1.0, 0.5, 0.1), (1.0, math.nan, 0.1), (1.0, 2.0, -0.1)])
def test_bad_input(arguments):
    with pytest.raises(UsageError, match="is"):
        gaussian_class_tradeoff(*arguments)
