"""T11: what cannot be known about a group of so many rows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from efficienttrust.errors import UsageError
from efficienttrust.theory.catalogue.group_size import (
    exact_test_size,
    group_size_error_curve,
    min_group_n_lower,
    vc_minimax_scaling,
)


def test_numbers_of_the_catalogue():
    assert min_group_n_lower(0.30, 0.05, 0.05).value == 286
    found = exact_test_size(0.30, 0.05, 0.05)
    assert found.value == 960
    curve = group_size_error_curve(1.5, 20, (10, 40, 160, 640))
    assert curve.details["approximation"] == pytest.approx((0.1375, 0.0874, 0.0721, 0.0682), abs=6e-5)
    assert curve.value == pytest.approx((0.1392, 0.0869, 0.0720, 0.0681), abs=3e-4)  # simulated ones


def brute_force(p, q, delta, most):
    """Return every n up to `most` at which some count separates both rates."""
    return [
        n
        for n in range(1, most)
        if any(stats.binom.sf(c - 1, n, p) <= delta and stats.binom.cdf(c - 1, n, q) <= delta for c in range(n + 2))
    ]


@pytest.mark.parametrize(("p", "tau", "delta"), [(0.2, 0.5, 0.05), (0.05, 0.4, 0.1), (0.6, 0.3, 0.2)])
def test_the_size_of_the_exact_test_is_that_of_brute_force(p, tau, delta):
    found = exact_test_size(p, tau, delta)
    works = brute_force(p, p + tau, delta, 80)
    assert found.value == works[0]
    assert set(range(found.details["from_there_on"], 80)) <= set(works)
    assert found.details["from_there_on"] - 1 not in works


@settings(max_examples=30, deadline=None)
@given(st.floats(0.05, 0.8), st.floats(0.1, 0.15), st.floats(0.01, 0.24))
def test_no_test_needs_fewer_rows_than_the_lower_bound(p, tau, delta):
    assert min_group_n_lower(p, tau, delta).value <= exact_test_size(p, tau, delta).value


def test_smaller_differences_and_errors_need_more_rows():
    sizes = [min_group_n_lower(0.3, tau).value for tau in (0.3, 0.1, 0.03, 0.01)]
    assert sizes == sorted(sizes)
    assert min_group_n_lower(0.3, 0.1, 0.01).value > min_group_n_lower(0.3, 0.1, 0.1).value
    nothing = min_group_n_lower(0.3, 0.1, 0.3)
    assert nothing.value == 0
    assert nothing.vacuous


@pytest.mark.parametrize(("m", "d", "n"), [(1.5, 20, 10), (0.7, 1, 3), (1.0, 5, 1), (2.0, 60, 100)])
def test_the_error_of_the_plug_in_rule_is_that_of_simulation(m, d, n):
    rng = np.random.default_rng(0)
    w = rng.normal(size=(100_000, d)) / math.sqrt(n)
    w[:, 0] += m
    errors = stats.norm.cdf(-m * w[:, 0] / np.linalg.norm(w, axis=1))
    exact = group_size_error_curve(m, d, (n,)).value[0]
    assert abs(exact - errors.mean()) < 4 * errors.std() / math.sqrt(len(errors))


def test_in_one_dimension_the_error_is_a_sum_of_two_cases():
    m, n = 0.7, 3
    flipped = stats.norm.cdf(-m * math.sqrt(n))  # the mean has the wrong sign
    expected = flipped * stats.norm.cdf(m) + (1 - flipped) * stats.norm.cdf(-m)
    assert group_size_error_curve(m, 1, (n,)).value[0] == pytest.approx(expected, abs=1e-9)


@settings(max_examples=10, deadline=None)
@given(st.floats(0.2, 3), st.integers(1, 60), st.integers(1, 500))
def test_more_rows_help_down_to_the_best_rule_and_more_columns_hurt(m, d, n):
    curve = group_size_error_curve(m, d, (n, 2 * n, 1_000_000))
    assert curve.details["best"] - 1e-9 <= curve.value[1] <= curve.value[0] + 1e-9
    assert curve.value[2] == pytest.approx(curve.details["best"], abs=2e-4)
    assert group_size_error_curve(m, d + 5, (n,)).value[0] >= curve.value[0] - 1e-9
    assert curve.details["gap"] == pytest.approx(np.ptp(curve.value))


def test_the_vc_rate_is_a_scaling():
    rate = vc_minimax_scaling(10, 1000)
    assert rate.value == pytest.approx(0.1)
    assert not rate.rigorous


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: min_group_n_lower(0.5, 0.5), "tau is 0.5: the other rate"),
        (lambda: min_group_n_lower(0.5, 0.0), "tau is 0"),
        (lambda: min_group_n_lower(1.2, 0.1), "p is 1.2"),
        (lambda: exact_test_size(0.5, 0.1, 1.0), "delta is 1"),
        (lambda: group_size_error_curve(0.0, 3, (5,)), "m is 0"),
        (lambda: group_size_error_curve(1.0, 0, (5,)), "d is 0"),
        (lambda: group_size_error_curve(1.0, 3, (0.5,)), "group size is 0.5"),
        (lambda: group_size_error_curve(1.0, 3, ()), "no group sizes"),
    ],
)
def test_bad_input_is_one_line(call, says):
    with pytest.raises(UsageError, match=says):
        call()
