"""The statistics equal scikit-learn's, brute force and closed forms, ties included."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from efficienttrust.metrics.ood import aupr_in, aupr_out, auroc, fpr_at_95_tpr, threshold_at_95_tpr
from efficienttrust.metrics.ood._auroc import _delong
from efficienttrust.metrics.ood._average_precision import _average_precision

EVERY = (auroc, aupr_in, aupr_out, fpr_at_95_tpr)
tied = st.lists(st.integers(-5, 5), min_size=1, max_size=80).map(lambda values: np.array(values) / 4)


def normal(d: float, n: int, m: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Inside rows around d, outside rows around 0, both of variance 1: AUROC = Phi(d / sqrt 2)."""
    rng = np.random.default_rng(seed)
    return rng.normal(d, 1, n), rng.normal(0, 1, m)


@settings(deadline=None)
@given(inside=tied, outside=tied)
def test_values_are_those_of_scikit_learn(inside: np.ndarray, outside: np.ndarray) -> None:
    y = np.repeat([1, 0], [len(inside), len(outside)])
    scores = np.concatenate([inside, outside])
    assert auroc(inside, outside).value == pytest.approx(roc_auc_score(y, scores))
    assert aupr_in(inside, outside).value == pytest.approx(average_precision_score(y, scores))
    assert aupr_out(inside, outside).value == pytest.approx(average_precision_score(1 - y, -scores))
    false, true, _ = roc_curve(y, scores, drop_intermediate=False)
    # in whole rows: 0.95 of 20 rows is 19, whatever the floats say
    assert fpr_at_95_tpr(inside, outside).value == pytest.approx(
        false[np.rint(true * len(inside)) * 20 >= 19 * len(inside)][0]
    )


def test_variance_is_delongs_by_brute_force() -> None:
    inside, outside = (np.round(part, 1) for part in normal(0.8, 60, 35))
    wins = (inside[:, None] > outside) + 0.5 * (inside[:, None] == outside)
    expected = wins.mean(axis=1).var(ddof=1) / 60 + wins.mean(axis=0).var(ddof=1) / 35
    assert _delong(inside, outside).variance == pytest.approx(expected)


@pytest.mark.parametrize(("n", "m"), [(300, 300), (150, 600)])
def test_variance_of_average_precision_is_that_of_resampling(n: int, m: int) -> None:
    inside, outside = normal(1.0, n, m)
    rng = np.random.default_rng(1)
    draws = [_average_precision(rng.choice(inside, n), rng.choice(outside, m)).value for _ in range(1500)]
    assert np.sqrt(_average_precision(inside, outside).variance) == pytest.approx(np.std(draws), rel=0.07)


@pytest.mark.parametrize("d", [0.0, 0.5, 1.0, 2.0, 3.0])
def test_shifted_gaussians_have_the_known_values(d: float) -> None:
    inside, outside = normal(d, 100_000, 100_000)
    area = auroc(inside, outside, level=0.999)
    assert area.low <= stats.norm.cdf(d / np.sqrt(2)) <= area.high
    passing = fpr_at_95_tpr(inside, outside, level=0.999)
    assert passing.low <= stats.norm.sf(d + stats.norm.ppf(0.05)) <= passing.high
    assert threshold_at_95_tpr(inside) == pytest.approx(d + stats.norm.ppf(0.05), abs=0.03)


def test_a_useless_detector_has_a_half() -> None:
    rng = np.random.default_rng(3)
    scores = rng.permutation(rng.gamma(2.0, size=3000))
    area = auroc(scores[:1000], scores[1000:])
    assert area.low < 0.5 < area.high
    precision = aupr_in(scores[:1000], scores[1000:])
    assert precision.low < 1 / 3 < precision.high


@settings(deadline=None)
@given(inside=tied, outside=tied)
def test_only_the_order_of_scores_counts(inside: np.ndarray, outside: np.ndarray) -> None:
    for statistic in EVERY:
        assert statistic(np.exp(3 * inside), np.exp(3 * outside)) == statistic(inside, outside)
        assert statistic(inside[::-1], outside[::-1]) == statistic(inside, outside)


@settings(deadline=None)
@given(inside=tied, outside=tied)
def test_turning_the_score_around_mirrors_the_area(inside: np.ndarray, outside: np.ndarray) -> None:
    area, mirrored = auroc(inside, outside), auroc(-inside, -outside)
    assert (mirrored.value, mirrored.low) == pytest.approx((1 - area.value, 1 - area.high))
    assert aupr_out(inside, outside) == aupr_in(-outside, -inside)


@pytest.mark.parametrize("statistic", EVERY)
def test_what_cannot_be_estimated_is_not_a_number(statistic) -> None:
    some = np.array([0.1, 0.2])
    for inside, outside in ((some, some[:0]), (some[:0], some)):
        missing = statistic(inside, outside)
        assert np.isnan([missing.value, missing.low, missing.high]).all()
        assert "needs rows of both kinds" in missing.note
    assert statistic(some, np.array([0.1, np.nan])).note == "some scores are not numbers"
    with pytest.raises(ValueError, match=r"one number a row, got an array of shape \(1, 2\)"):
        statistic(some[None], some)


@pytest.mark.parametrize("statistic", EVERY)
@pytest.mark.parametrize("size", [1, 2, 40])
def test_no_certainty_from_few_rows(statistic, size: int) -> None:
    for apart in (0.0, 1.0, -1.0, np.inf):
        inside, outside = np.full(size, apart), np.zeros(size)
        estimate = statistic(inside, outside)
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
        assert estimate.high - estimate.low > 0.02


def test_a_million_rows_take_about_a_second() -> None:
    inside, outside = normal(1.0, 500_000, 500_000)
    start = time.process_time()
    for statistic in EVERY:
        statistic(inside, outside)
    assert time.process_time() - start < 5.0  # 0.6 s on a quiet machine
