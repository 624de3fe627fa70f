"""T7: what a sample proves of a gap, how many rows it takes, and what noise alone shows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from efficienttrust.errors import UsageError
from efficienttrust.theory.catalogue.fairness_certificates import (
    certify_gap,
    dpd_interval,
    dpd_null_bias,
    eod_interval,
    min_group_size,
)

METHODS = ("newcombe", "mcdiarmid", "clopper-pearson")


def test_numbers_of_the_papers():
    newcombe = dpd_interval(56, 70, 48, 80)
    assert newcombe.value == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert newcombe.kind == "estimate"
    mcdiarmid = dpd_interval(500, 1000, 500, 1000, method="mcdiarmid")
    assert mcdiarmid.value == pytest.approx((-0.0607361, 0.0607361), abs=5e-8)
    assert mcdiarmid.rigorous
    assert min_group_size(0.05, 0.02).value == 4099
    exact = dpd_interval(0, 100, 0, 100, alpha=0.2, method="clopper-pearson")  # 0.05 one-sided for each rate
    assert exact.value == pytest.approx((-0.0295130, 0.0295130), abs=5e-8)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 300), st.integers(1, 300), st.floats(0, 1), st.floats(0, 1), st.floats(0.01, 0.4))
def test_newcombe_is_that_of_statsmodels(n1, n0, p1, p0, alpha):
    k1, k0 = round(p1 * n1), round(p0 * n0)
    theirs = confint_proportions_2indep(k1, n1, k0, n0, method="newcomb", compare="diff", alpha=alpha)
    assert dpd_interval(k1, n1, k0, n0, alpha).value == pytest.approx(np.clip(theirs, -1, 1), abs=1e-9)


@pytest.mark.parametrize("method", ["mcdiarmid", "clopper-pearson"])
@pytest.mark.parametrize(("p1", "p0"), [(0.02, 0.05), (0.5, 0.5), (0.9, 0.3)])
def test_rigorous_intervals_cover_by_enumeration_of_all_tables(method, p1, p0):
    n1, n0, alpha = 12, 25, 0.1
    covered = 0.0
    for k1 in range(n1 + 1):
        for k0 in range(n0 + 1):
            low, high = dpd_interval(k1, n1, k0, n0, alpha, method).value
            if low <= p1 - p0 <= high:
                covered += stats.binom.pmf(k1, n1, p1) * stats.binom.pmf(k0, n0, p0)
    assert covered >= 1 - alpha


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=25, deadline=None)
@given(st.integers(1, 200), st.floats(0, 1), st.floats(0, 1), st.integers(2, 5), st.integers(1, 6))
def test_more_rows_narrow_an_interval_and_more_looks_widen_it(method, n, p1, p0, factor, looks):
    k1, k0 = round(p1 * n), round(p0 * n)
    low, high = dpd_interval(k1, n, k0, n, method=method).value
    narrow = dpd_interval(factor * k1, factor * n, factor * k0, factor * n, method=method).value
    wide = dpd_interval(k1, n, k0, n, method=method, looks=looks, pairs=3).value
    assert narrow[0] >= low - 1e-9
    assert narrow[1] <= high + 1e-9
    assert wide[0] <= low
    assert wide[1] >= high
    swapped = dpd_interval(k0, n, k1, n, method=method).value
    assert -swapped[::-1] == pytest.approx((low, high))


def test_a_look_and_a_pair_cost_their_share_of_alpha():
    several = dpd_interval(10, 100, 20, 100, 0.06, "mcdiarmid", looks=2, pairs=3)
    assert several.value == pytest.approx(dpd_interval(10, 100, 20, 100, 0.01, "mcdiarmid").value)
    assert several.details["level"] == pytest.approx(0.99)


def test_a_sample_that_says_nothing_is_vacuous():
    one = dpd_interval(1, 1, 1, 1, method="mcdiarmid")
    assert one.vacuous
    assert not one.rigorous
    assert one.details["absolute"] == (0, 1)


def test_equalized_odds_is_the_larger_of_both_gaps_each_at_half_of_alpha():
    found = eod_interval((80, 100, 60, 100), (10, 200, 12, 200), 0.1, "clopper-pearson")
    tpr = dpd_interval(80, 100, 60, 100, 0.05, "clopper-pearson").details["absolute"]
    fpr = dpd_interval(10, 200, 12, 200, 0.05, "clopper-pearson").details["absolute"]
    assert found.value == pytest.approx(np.maximum(tpr, fpr))
    assert found.details["mean"] == pytest.approx(np.mean([tpr, fpr], axis=0))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("tau", "d_hat", "rate"), [(0.05, 0.0, 0.2), (0.1, 0.04, 0.5), (0.3, 0.1, 0.7)])
def test_the_smallest_group_size_suffices_and_one_row_less_does_not(method, tau, d_hat, rate):
    n = min_group_size(tau, d_hat, method=method, rate=rate).value

    def highest(size):
        hits = size * (rate + d_hat / 2), size * (rate - d_hat / 2)
        return dpd_interval(hits[0], size, hits[1], size, method=method).details["absolute"][1]

    assert highest(n) <= tau < highest(n - 1)
    if method == "mcdiarmid":
        assert n == math.ceil(math.log(40) / (tau - d_hat) ** 2)


def test_a_gap_at_the_target_is_certified_at_no_size():
    never = min_group_size(0.05, 0.05)
    assert math.isinf(never.value)
    assert never.vacuous


def test_the_bias_of_a_gap_by_formula_by_enumeration_and_by_simulation():
    two = dpd_null_bias(0.25, (200, 200))
    assert two.value == pytest.approx(0.0345, abs=5e-5)
    assert two.details["normal"] == pytest.approx(math.sqrt(2 / math.pi * 0.25 * 0.75 / 100))
    k = np.arange(201)
    mass = stats.binom.pmf(k, 200, 0.25)
    assert two.value == pytest.approx(mass @ np.abs(k[:, None] - k) @ mass / 200, rel=1e-10)
    sizes = np.array([200] * 5)
    five = dpd_null_bias(0.25, sizes)
    gaps = np.ptp(np.random.default_rng(0).binomial(sizes, 0.25, (40_000, 5)) / sizes, axis=1)
    assert abs(five.value - gaps.mean()) < 4 * gaps.std() / 200
    assert five.value == pytest.approx(0.0712, abs=2e-4)
    uneven = np.array([7, 30, 91])
    gaps = np.ptp(np.random.default_rng(1).binomial(uneven, 0.4, (40_000, 3)) / uneven, axis=1)
    assert abs(dpd_null_bias(0.4, uneven).value - gaps.mean()) < 4 * gaps.std() / 200


def test_the_bias_of_a_gap_vanishes_with_rows_and_grows_with_groups():
    values = [dpd_null_bias(0.3, (n, n)).value for n in (10, 100, 1000, 100_000)]
    assert values == sorted(values, reverse=True)
    assert values[-1] == pytest.approx(dpd_null_bias(0.3, (100_000, 100_000)).details["normal"], rel=1e-4)
    assert dpd_null_bias(0.3, (50, 50, 50)).value > dpd_null_bias(0.3, (50, 50)).value


def test_verdicts_are_pass_fail_or_undecided():
    sizes = (5000, 5000, 5000)
    assert certify_gap((1000, 1010, 1005), sizes, 0.1).status == "pass"
    far = certify_gap((1000, 2000, 1500), sizes, 0.1)
    assert far.status == "fail"
    assert far.largest == (0, 1)
    assert far.gap.details["estimate"] == pytest.approx(0.2)
    assert far.level == pytest.approx(1 - 0.05 / 3)
    assert certify_gap((1000, 1500, 1200), sizes, 0.1).status == "undecided"
    assert certify_gap((1000, 1010), sizes[:2], 0.03).status == "pass"
    assert certify_gap((1000, 1010), sizes[:2], 0.03, looks=100).status == "undecided"


def test_false_certificates_are_rarer_than_alpha():
    rng = np.random.default_rng(0)
    tau, sizes = 0.1, (400, 300)
    hits = rng.binomial(sizes, (0.351, 0.25), (1000, 2))  # a true gap just above what is certified
    passed = sum(certify_gap(row, sizes, tau, 0.05).status == "pass" for row in hits.tolist())
    assert passed <= 50


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: dpd_interval(5, 4, 1, 4), "5 hits of 4 rows"),
        (lambda: dpd_interval(0, 0, 1, 4), "the number of rows is 0"),
        (lambda: dpd_interval(1, 4, 1, 4, alpha=0), "alpha is 0"),
        (lambda: dpd_interval(1, 4, 1, 4, looks=0), "looks is 0"),
        (lambda: dpd_interval(1, 4, 1, 4, method="newcome"), "Did you mean 'newcombe'"),
        (lambda: min_group_size(1.5, 0.1), "tau is 1.5"),
        (lambda: min_group_size(0.5, 0.3, rate=0.1), "d_hat is 0.3: a gap lies between 0 and 0.2"),
        (lambda: min_group_size(0.1, 0.1 - 1e-12), "too close"),
        (lambda: dpd_null_bias(0.5, (10,)), "two groups or more"),
        (lambda: dpd_null_bias(0.5, (10, 0)), "group size is 0"),
        (lambda: certify_gap((1,), (2,), 0.1), "two groups or more"),
    ],
)
def test_bad_input_is_one_line(call, says):
    with pytest.raises(UsageError, match=says):
        call()
