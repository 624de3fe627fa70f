"""The calibrator finds what brute force over thresholds and offsets finds."""

from __future__ import annotations

import numpy as np
import pytest

from efficienttrust.evaluation.calibration import REACH, calibrate, evaluate_rule
from efficienttrust.evaluation.rule_data import PENALTY, Attacked, CalibrationData
from efficienttrust.evaluation.splits import one_hot
from efficienttrust.evaluation.targets import parse_target

ROBUST = parse_target("robust_accuracy(pgd, eps=0.1) >= 0.75")
FAIR = parse_target("dpd <= 0.1")
ODDS = parse_target("equalized_odds_difference <= 0.1")


def draw(n: int, seed: int, *, aware: bool = True, n_groups: int = 2, attacked: bool = False) -> CalibrationData:
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, n_groups, n)
    y = (rng.random(n) < 0.25 + 0.3 * groups / (n_groups - 1)).astype(np.int8)
    z = rng.normal(1.4 * (2 * y - 1) + 0.4 * groups, 1.5).astype(np.float32)
    posterior = one_hot(groups, n_groups) if aware else np.zeros((n, 0), np.float32)
    rows = np.arange(0, n, 2)
    found = {ROBUST.key: Attacked(rows, (z[rows] - 0.4 * (2 * y[rows] - 1)).astype(np.float32))} if attacked else {}
    return CalibrationData(z, y, {"": (groups, n_groups)}, posterior, found)


def objective(data: CalibrationData, threshold: float, offsets: np.ndarray, targets) -> float:
    """The same by plain loops."""
    groups, n_groups = data.codes[""]
    shift = data.posterior @ offsets if data.posterior.shape[1] else 0.0
    positive = data.z - shift > threshold
    total = float((positive == (data.y > 0)).mean())
    for target in targets:
        if target is ROBUST:
            attacked = data.attacked[ROBUST.key]
            moved = attacked.z - (data.posterior[attacked.rows] @ offsets if data.posterior.shape[1] else 0.0)
            value = ((moved > threshold) == (data.y[attacked.rows] > 0)).mean()
        elif target is FAIR:
            rates = [positive[groups == g].mean() for g in range(n_groups)]
            value = max(rates) - min(rates)
        else:
            cells = [[positive[(groups == g) & (data.y == label)].mean() for g in range(n_groups)] for label in (0, 1)]
            value = np.mean([max(cell) - min(cell) for cell in cells])
        total -= PENALTY * max(target.gap(float(value)), 0.0)
    return total


def every_threshold(cut: np.ndarray) -> np.ndarray:
    ordered = np.unique(cut)
    between = 0.5 * (ordered[1:] + ordered[:-1])
    return np.concatenate([[ordered[0] - 1], between, [ordered[-1] + 1]])


@pytest.mark.parametrize("targets", [[], [FAIR], [ODDS], [ROBUST], [FAIR, ROBUST]], ids=len)
@pytest.mark.parametrize("seed", range(3))
def test_without_a_group_term_the_threshold_is_the_best_of_all(targets, seed):
    data = draw(120, seed, aware=False, attacked=True)
    found = calibrate(data, targets, {})
    best = max(objective(data, t, np.zeros(0), targets) for t in every_threshold(data.z))
    assert found.objective == pytest.approx(best, abs=1e-6)
    assert objective(data, found.threshold, found.offsets, targets) == pytest.approx(found.objective, abs=1e-6)


@pytest.mark.parametrize("targets", [[FAIR], [ODDS], [FAIR, ROBUST]], ids=["dpd", "eod", "dpd and robust"])
@pytest.mark.parametrize("seed", range(2))
def test_with_a_group_term_it_is_as_good_as_a_grid_and_near_the_optimum(targets, seed):
    data = draw(150, seed, attacked=True)
    found = calibrate(data, targets, {})
    assert objective(data, found.threshold, found.offsets, targets) == pytest.approx(found.objective, abs=1e-6)

    def best_over(grid) -> float:
        return max(
            objective(data, t, np.array([c, 0.0], np.float32), targets)
            for c in grid
            for t in every_threshold(data.z - data.posterior @ np.array([c, 0.0], np.float32))
        )

    assert found.objective >= best_over(np.linspace(-REACH, REACH, 25)) - 1e-6
    assert found.objective >= best_over(np.linspace(-REACH, REACH, 81)) - 0.02


def test_three_groups_meet_a_target_that_one_threshold_misses():
    data = draw(900, 4, n_groups=3)
    blind = CalibrationData(data.z, data.y, data.codes, np.zeros((900, 0), np.float32), {})
    tight = parse_target("dpd <= 0.02")
    with_groups, without = calibrate(data, [tight], {}), calibrate(blind, [tight], {})
    assert with_groups.violation <= 0.005
    assert with_groups.utility > without.utility + 0.05
    assert np.ptp(with_groups.offsets) > 0.3


def test_evaluate_rule_reports_what_the_rule_comes_to():
    data = draw(80, 1)
    offsets = np.array([0.5, 0.0], np.float32)
    found = evaluate_rule(data, 0.2, offsets, [FAIR], {FAIR.key: 0.03})
    positive = data.z - data.posterior @ offsets > 0.2
    groups = data.codes[""][0]
    gap = abs(positive[groups == 0].mean() - positive[groups == 1].mean())
    assert found.values[FAIR.key] == pytest.approx(gap)
    assert found.violation == pytest.approx(max(gap - 0.1, 0))
    assert found.utility == pytest.approx((positive == (data.y > 0)).mean())
    assert found.objective == pytest.approx(found.utility - PENALTY * max(gap + 0.03 - 0.1, 0), abs=1e-6)


def test_targets_that_no_threshold_moves_are_left_alone():
    data = draw(80, 2)
    found = calibrate(data, [parse_target("auc >= 0.99"), parse_target("log_loss <= 0.01")], {})
    assert found.values == {}
    assert found.objective == found.utility == calibrate(data, [], {}).utility


def test_a_rate_that_no_group_has_is_no_success():
    data = draw(80, 2)
    opportunity = parse_target("equal_opportunity_difference <= 0.1")
    no_positives = np.zeros_like(data.y)
    found = calibrate(CalibrationData(data.z, no_positives, data.codes, data.posterior, {}), [opportunity], {})
    assert np.isnan(found.values[opportunity.key])
    assert found.violation >= 1


def test_an_empty_group_hides_no_other_group_from_the_search():
    """Three groups, one without positives: the rule is searched for the two whose true positive rates are known."""
    data = draw(300, 2)
    opportunity = parse_target("equal_opportunity_difference <= 0.1")
    codes, y = data.codes[""][0].copy(), data.y.copy()
    codes[:30], y[:30] = 2, 0
    groups = one_hot(codes, 3)
    found = calibrate(CalibrationData(data.z, y, {"": (codes, 3)}, groups, {}), [opportunity], {})
    assert found.values[opportunity.key] <= 0.1
    assert found.violation == 0


def test_weights_count_rows():
    data = draw(100, 6, aware=False)
    weight = np.where(data.y > 0, 50.0, 1.0).astype(np.float32)
    weighted = CalibrationData(data.z, data.y, data.codes, data.posterior, {}, weight)
    plain, heavy = calibrate(data, [], {}), calibrate(weighted, [], {})
    assert heavy.threshold < plain.threshold - 0.5, "missing a positive row costs fifty times as much"
    repeated = np.repeat(np.arange(100), weight.astype(int))
    again = CalibrationData(
        data.z[repeated], data.y[repeated], {"": (data.codes[""][0][repeated], 2)}, data.posterior[repeated], {}
    )
    assert heavy.utility == pytest.approx(evaluate_rule(again, heavy.threshold, heavy.offsets, [], {}).utility)
