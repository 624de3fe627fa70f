"""Intervals agree with published values and independent libraries, and cover at their level."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from efficienttrust.metrics.gaps import gap_estimate
from efficienttrust.metrics.intervals import clopper_pearson, folded, newcombe, percent, two_sided_z, wilson
from efficienttrust.metrics.odds import mean_gap_estimate
from efficienttrust.metrics.rates import Rates

Z = two_sided_z(0.95)


def rates_of(hits: np.ndarray, n: np.ndarray) -> Rates:
    names = tuple(str(code) for code in range(len(n)))
    return Rates(names, hits / n, np.asarray(n), np.asarray(n, dtype=float), "rows", False)


@given(n=st.integers(1, 5000), share=st.floats(0, 1))
def test_wilson_agrees_with_statsmodels(n: int, share: float) -> None:
    hits = round(share * n)
    assert np.ravel(wilson(hits, n, Z)) == pytest.approx(proportion_confint(hits, n, 0.05, "wilson"), abs=1e-9)


@given(n=st.integers(1, 5000), share=st.floats(0, 1))
def test_clopper_pearson_agrees_with_scipy(n: int, share: float) -> None:
    hits = round(share * n)
    expected = stats.binomtest(hits, n).proportion_ci(0.95, "exact")
    assert np.ravel(clopper_pearson(hits, n, 0.025)) == pytest.approx((expected.low, expected.high), abs=1e-9)


@given(n1=st.integers(2, 2000), n2=st.integers(2, 2000), share1=st.floats(0.01, 0.99), share2=st.floats(0.01, 0.99))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_newcombe_agrees_with_statsmodels(n1: int, n2: int, share1: float, share2: float) -> None:
    x1, x2 = round(share1 * n1), round(share2 * n2)
    expected = confint_proportions_2indep(x1, n1, x2, n2, method="newcomb")
    assert np.ravel(newcombe(x1, n1, x2, n2, Z)) == pytest.approx(expected, abs=1e-9)


def test_published_values() -> None:
    assert np.ravel(newcombe(56, 70, 48, 80, Z)) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert clopper_pearson(0, 100, 0.05)[1] == pytest.approx(0.0295130, abs=5e-8)
    assert np.ravel(wilson(0, 0, Z)) == pytest.approx((0, 1))
    assert np.ravel(folded(-0.1, 0.3)) == pytest.approx((0, 0.3))
    assert np.ravel(folded(-0.3, -0.1)) == pytest.approx((0.1, 0.3))
    assert (percent(0.95), percent(1 - 0.05 / 3)) == ("95%", "98.33%")


@pytest.mark.parametrize("n", [50, 300, 2000])
def test_wilson_covers_at_its_level(n: int) -> None:
    p = np.linspace(0.05, 0.95, 37)
    hits = np.random.default_rng(0).binomial(n, p, size=(4000, len(p)))
    low, high = wilson(hits, n, Z)
    assert 0.935 <= np.mean((low <= p) & (p <= high)) <= 0.97


@pytest.mark.parametrize(("n1", "n2"), [(50, 50), (60, 400), (1500, 700)])
def test_newcombe_covers_at_its_level(n1: int, n2: int) -> None:
    rng, p = np.random.default_rng(0), np.linspace(0.05, 0.95, 19)
    p1, p2 = (side.ravel() for side in np.meshgrid(p, p))
    size = (2000, len(p1))
    low, high = newcombe(rng.binomial(n1, p1, size), n1, rng.binomial(n2, p2, size), n2, Z)
    assert 0.935 <= np.mean((low <= p1 - p2) & (p1 - p2 <= high)) <= 0.97


@pytest.mark.parametrize("p", [(0.25,) * 5, (0.2, 0.25, 0.3, 0.35, 0.4), (0.05, 0.3, 0.3)])
def test_interval_of_the_gap_of_many_groups_covers(p: tuple[float, ...]) -> None:
    rng, n = np.random.default_rng(1), np.full(len(p), 200)
    ends = [gap_estimate(rates_of(rng.binomial(n, p), n), 0.95) for _ in range(200)]
    covered = [estimate.low <= np.ptp(p) + 1e-9 and np.ptp(p) - 1e-9 <= estimate.high for estimate in ends]
    assert np.mean(covered) >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 200)


def test_plug_in_gap_of_equal_groups_is_wide_but_its_interval_starts_at_zero() -> None:
    rng, n = np.random.default_rng(2), np.full(5, 200)
    estimates = [gap_estimate(rates_of(rng.binomial(n, 0.25), n), 0.95) for _ in range(200)]
    assert np.mean([estimate.value for estimate in estimates]) == pytest.approx(0.0712, abs=0.005)
    assert np.mean([estimate.low == 0 for estimate in estimates]) >= 0.9


@pytest.mark.parametrize(("p", "q"), [((0.6, 0.6), (0.1, 0.1)), ((0.8, 0.4), (0.3, 0.1)), ((0.6, 0.5), (0.1, 0.05))])
def test_interval_of_equalized_odds_covers(p: tuple[float, float], q: tuple[float, float]) -> None:
    rng, n, m = np.random.default_rng(3), np.array([350, 180]), np.array([1300, 1400])
    truth = (np.ptp(p) + np.ptp(q)) / 2
    ends = [
        mean_gap_estimate(rates_of(rng.binomial(n, p), n), rates_of(rng.binomial(m, q), m), 0.95) for _ in range(400)
    ]
    covered = [estimate.low <= truth + 1e-9 and truth - 1e-9 <= estimate.high for estimate in ends]
    assert np.mean(covered) >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 400)
