"""Closed-form intervals of areas, means and their gaps: right influences, published variances, coverage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from efficienttrust.metrics import Outcome, corruption_key, measure, metrics
from efficienttrust.metrics.means import mean_of
from efficienttrust.metrics.ranking import precision_area, roc_area
from efficienttrust.metrics.shares import share_estimate
from efficienttrust.metrics.spreads import Spread, spread_gap, spread_worst


def draw(rng: np.random.Generator, n: int, auc: float, ties: bool = False) -> tuple[np.ndarray, np.ndarray]:
    y = (np.arange(n) < n // 2).astype(int)
    score = rng.normal(0, 1, n) + stats.norm.ppf(auc) * np.sqrt(2) * y
    return y, score.round(0) if ties else score


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("area_of", [roc_area, precision_area])
def test_influences_are_derivatives_by_the_weights(area_of, ties: bool) -> None:
    rng = np.random.default_rng(0)
    y, score = draw(rng, 40, 0.8, ties)
    w = rng.uniform(0.5, 2, 40)
    area = area_of(y, score, w)
    for row in range(0, 40, 7):
        moved = w.copy()
        moved[row] *= 1 + 1e-6
        slope = (area_of(y, score, moved).value - area.value) / 1e-6
        label, n = y == y[row], 40
        small = label.sum() / (label.sum() - 1) if area_of is roc_area else n / (n - 1)
        assert area.influence[row] == pytest.approx(slope * np.sqrt(small), abs=1e-5)
    assert area.influence.sum() == pytest.approx(0, abs=1e-9)


def test_error_of_the_roc_area_is_delongs() -> None:
    y, score = draw(np.random.default_rng(1), 60, 0.75, ties=True)
    pairs = score[y == 1][:, None] - score[y == 0][None]
    better = (pairs > 0) + 0.5 * (pairs == 0)
    delong = better.mean(axis=1).var(ddof=1) / 30 + better.mean(axis=0).var(ddof=1) / 30
    assert roc_area(y, score, None).error == pytest.approx(np.sqrt(delong))


@pytest.mark.parametrize(("n", "auc"), [(50, 0.6), (50, 0.9), (200, 0.8)])
def test_interval_of_the_roc_area_covers(n: int, auc: float) -> None:
    rng, repeats = np.random.default_rng(2), 500
    ends = [roc_area(*draw(rng, n, auc), None).ends(0.95) for _ in range(repeats)]
    assert 0.92 <= np.mean([low <= auc <= high for low, high in ends]) <= 0.99


@pytest.mark.parametrize(("n", "auc"), [(50, 0.8), (200, 0.7)])
def test_interval_of_average_precision_covers(n: int, auc: float) -> None:
    t = np.linspace(-8, 10, 20_001)
    d = stats.norm.ppf(auc) * np.sqrt(2)
    weight = stats.norm.pdf(t - d)
    truth = np.average(stats.norm.sf(t - d) / (stats.norm.sf(t - d) + stats.norm.sf(t)), weights=weight)
    rng = np.random.default_rng(3)
    ends = [precision_area(*draw(rng, n, auc), None).ends(0.95) for _ in range(500)]
    assert 0.93 <= np.mean([low <= truth <= high for low, high in ends]) <= 1.0


@pytest.mark.parametrize("n", [50, 300])
@pytest.mark.parametrize("law", ["exponential", "squares"])
def test_interval_of_a_mean_loss_covers(n: int, law: str) -> None:
    rng, covered = np.random.default_rng(4), []
    for _ in range(800):
        losses = rng.exponential(1, n) if law == "exponential" else rng.normal(0, 1, n) ** 2
        low, high = mean_of(losses, None).log_ends(0.95)
        covered.append(low[0] <= 1 <= high[0])
    assert 0.915 <= np.mean(covered) <= 0.97


def test_interval_of_a_share_is_wilsons_for_rows_of_yes_and_no_and_covers_for_shares() -> None:
    from efficienttrust.metrics.intervals import two_sided_z, wilson

    rng = np.random.default_rng(5)
    plain = share_estimate((rng.random(400) < 0.3).astype(float), None, 0.95)
    assert (plain.low, plain.high) == pytest.approx(
        tuple(map(float, wilson(plain.value * 399, 399, two_sided_z(0.95)))), abs=1e-6
    )
    ends = [share_estimate(rng.beta(0.5, 2, 100), None, 0.95) for _ in range(600)]
    assert 0.925 <= np.mean([each.low <= 0.2 <= each.high for each in ends]) <= 0.97


def test_weights_of_right_rows_prove_no_more_than_their_effective_size() -> None:
    weight = np.array([1000.0] + [0.001] * 99)
    share = share_estimate(np.ones(100), weight, 0.95)
    assert share.low == pytest.approx(share_estimate(np.ones(1), None, 0.95).low, abs=1e-3)
    y, heavy = np.tile([0, 1], 100), np.repeat([1000.0, 0.001], [2, 198])
    outcome = Outcome(y=y, prediction=y, score=y.astype(float), groups=y, weight=heavy)
    assert measure("auc", outcome).low == pytest.approx(0.025, abs=1e-3)  # one pair


@pytest.mark.parametrize("m", [1, 2, 3, 5])
def test_interval_of_the_roc_area_covers_with_a_handful_of_positives(m: int) -> None:
    rng, covered, truth = np.random.default_rng(m), [], stats.norm.cdf(1.2 / np.sqrt(2))
    y = (np.arange(m + 100) < m).astype(int)
    for _ in range(400):
        area = roc_area(y, rng.normal(1.2 * y, 1), None)
        low, high = area.ends(0.95)
        covered.append(low <= truth <= high)
    assert np.mean(covered) >= 0.93


def test_scores_that_are_all_tied_do_not_prove_an_area() -> None:
    area = roc_area(np.array([0, 1, 0, 1]), np.full(4, 0.3), None)
    low, high = area.ends(0.95)
    assert area.value == 0.5
    assert high - low > 0.5


def test_the_interval_of_few_rows_stays_within_the_range() -> None:
    outcome = Outcome(y=np.array([0, 1, 1]), prediction=np.ones(3), score=np.array([0.1, 0.2, 0.9]), groups=np.zeros(3))
    brier = measure("brier", outcome)
    assert (brier.value, brier.high) == (pytest.approx(0.22), 1.0)


def test_losses_that_are_all_the_same_prove_no_more_than_as_many_right_rows() -> None:
    y = np.tile([0, 1], 5)
    outcome = Outcome(y=y, prediction=y, score=y.astype(float), groups=y)
    limit = metrics.get("brier").limit(outcome, {}, 0.05)
    assert (limit.value, limit.best) == (pytest.approx(1 - 0.05**0.1), limit.value)
    numbers = Outcome(y=y, prediction=y, score=y, groups=y, task="regression")
    for name, of in (("log_loss", outcome), ("mean_squared_error", numbers)):
        found = metrics.get(name).limit(of, {}, 0.05)
        assert np.isnan(found.value)
        assert "same loss" in found.note


def test_numbers_that_are_all_missed_by_the_same_prove_nothing() -> None:
    y, codes = np.arange(20.0) % 7, np.arange(20) % 2
    for miss in (0.0, 0.5):
        outcome = Outcome(y=y, prediction=y + miss, score=y, groups=codes, group_names=("a", "b"), task="regression")
        for name in ("r2", "rmse_gap"):
            found = metrics.get(name).limit(outcome, {"by": None}, 0.05)
            assert np.isnan(found.value)
            assert "says nothing about others" in found.note
            assert np.isfinite(measure(name, outcome).value)
    half = Outcome(
        y=y, prediction=y + codes * np.sin(y), score=y, groups=codes, group_names=("a", "b"), task="regression"
    )
    assert metrics.get("rmse_gap").limit(half, {"by": None}, 0.05).note == (
        "all rows of 'a' have the same value, which says nothing about others"
    )
    assert metrics.get("r2").limit(half, {}, 0.05).value < 1


def test_rows_without_weight_do_not_lend_their_spread() -> None:
    y, weight = np.arange(20.0) % 7, np.r_[np.ones(19), 0.0]
    prediction = y + 0.25  # 0.25 is exact: all rows but the one without weight are missed by the same
    prediction[-1] += 3
    outcome = Outcome(y=y, prediction=prediction, score=y, groups=np.zeros(20), weight=weight, task="regression")
    for name in ("r2", "mean_squared_error", "root_mean_squared_error", "mean_absolute_error"):
        assert np.isnan(metrics.get(name).limit(outcome, {}, 0.05).value)


@pytest.mark.parametrize(("clean", "worse"), [(True, True), (True, False), (False, True), (False, False)])
def test_rows_that_all_change_by_the_same_prove_no_more_than_as_many_right_rows(clean: bool, worse: bool) -> None:
    n, y = 30, np.arange(30) % 2
    outcome = Outcome(
        y=y,
        prediction=y if clean else 1 - y,
        score=y,
        groups=y,
        corrupted={corruption_key("blur", 1): np.full(n, worse)},
    )
    limit, others = metrics.get("relative_mce").limit(outcome, {}, 0.05), 1 - 0.05 ** (1 / n)
    added = float(clean) - float(worse)
    assert limit.value == pytest.approx(added + others * (1 - added))
    assert limit.value >= limit.best == pytest.approx(others * (2 - clean) - (not clean))
    assert limit.method == "Clopper-Pearson, all rows change by the same"


def test_student_and_delta_method_agree_with_statsmodels() -> None:
    from statsmodels.stats.weightstats import DescrStatsW

    values = np.random.default_rng(6).normal(1, 2, 40)
    low, high = mean_of(values, None).ends(0.95)
    assert (low[0], high[0]) == pytest.approx(DescrStatsW(values).tconfint_mean())


def normal_spread(values: np.ndarray, error: float) -> Spread:
    def ends(level: float) -> tuple[np.ndarray, np.ndarray]:
        half = stats.norm.ppf(0.5 + level / 2) * error
        return values - half, values + half

    return Spread(values, ends, lambda alpha: ends(1 - 2 * alpha)[1], 1, "normal")


@pytest.mark.parametrize("truth", [(0.0, 0.0), (0.0, 0.0, 0.0, 0.0), (0.0, 3.0), (0.0, 1.0, 2.0)])
def test_gaps_and_worst_groups_of_normal_estimates_cover(truth: tuple[float, ...]) -> None:
    rng, covered, worst = np.random.default_rng(7), [], []
    for _ in range(500):
        spread = normal_spread(rng.normal(truth, 1), 1.0)
        gap, lowest = spread_gap(spread, 0.95, np.inf), spread_worst(spread, 0.95, "higher")
        covered.append(gap.low <= np.ptp(truth) <= gap.high)
        worst.append(lowest.low <= min(truth) <= lowest.high)
    assert np.mean(covered) >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 500)
    assert np.mean(worst) >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 500)


def simulate(rng: np.random.Generator, n: int = 150) -> Outcome:
    """Two groups with the areas 0.8 and 0.9."""
    groups, y = np.arange(2 * n) % 2, (np.arange(2 * n) < n).astype(int)
    score = rng.normal(0, 1, 2 * n) + y * np.where(groups == 0, *(stats.norm.ppf(a) * np.sqrt(2) for a in (0.8, 0.9)))
    columns = {"y": y, "prediction": score > 1, "score": score, "groups": groups}
    return Outcome(**columns, group_names=("a", "b"))


@pytest.mark.parametrize(("name", "truth"), [("group_auc_gap", 0.1), ("worst_group_auc", 0.8), ("auc", None)])
def test_certificates_of_areas_hold_at_their_level(name: str, truth: float | None) -> None:
    rng, metric = np.random.default_rng(8), metrics.get(name)
    sign = -1 if metric.better == "higher" else 1
    arguments = metric.resolve({})
    truth = 0.85 if truth is None else truth  # negatives of both groups have the same law, so the mean of both areas
    limits = [metric.limit(simulate(rng), arguments, 0.1).value for _ in range(300)]
    wrong = [sign * (limit - truth) < 0 for limit in limits]
    assert np.mean(wrong) <= 0.1 + 3 * np.sqrt(0.1 * 0.9 / 300)


def test_distance_of_distributions_covers() -> None:
    rng, covered, wrong = np.random.default_rng(9), [], []
    metric = metrics.get("kolmogorov_smirnov_distance")
    for shift in (0.0, 0.5):
        truth = 2 * stats.norm.cdf(shift / 2) - 1
        for _ in range(150):
            groups = np.arange(200) % 2
            prediction = rng.normal(0, 1, 200) + shift * groups
            columns = {"y": prediction, "prediction": prediction, "score": prediction, "groups": groups}
            outcome = Outcome(**columns, group_names=("a", "b"), task="regression")
            measured = measure(metric.name, outcome)
            covered.append(measured.low - 1e-12 <= truth <= measured.high)
            wrong.append(metric.limit(outcome, metric.resolve({}), 0.1).value < truth)
    assert np.mean(covered) >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 300)
    assert np.mean(wrong) <= 0.1 + 3 * np.sqrt(0.1 * 0.9 / 300)


def test_explained_variance_covers() -> None:
    rng, covered = np.random.default_rng(10), []
    for _ in range(400):
        y = rng.normal(0, 2, 100)
        prediction = y + rng.normal(0, 1, 100)
        outcome = Outcome(y=y, prediction=prediction, score=prediction, groups=np.zeros(100), task="regression")
        measured = measure("r2", outcome)
        covered.append(measured.low <= 0.75 <= measured.high)
    assert 0.92 <= np.mean(covered) <= 0.98
