"""Targets are tightened by a multiple of their standard errors, so that they hold on rows not seen."""

from __future__ import annotations

import numpy as np
import pytest

from efficienttrust.evaluation.calibration import calibrate, evaluate_rule
from efficienttrust.evaluation.margins import MARGIN_SHARE, target_margins
from efficienttrust.evaluation.rule_data import Attacked, CalibrationData
from efficienttrust.evaluation.splits import one_hot
from efficienttrust.evaluation.targets import parse_target

FAIR = parse_target("dpd <= 0.1")


def draw(n: int, seed: int) -> CalibrationData:
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 2, n)
    y = (rng.random(n) < 0.3 + 0.3 * groups).astype(np.int8)
    z = rng.normal(2 * y - 1, 1.2).astype(np.float32) + 0.5 * groups.astype(np.float32)
    return CalibrationData(z, y, {"": (groups, 2)}, one_hot(groups, 2), {})


def test_margins_shrink_with_the_rows_and_vanish_without_confidence():
    sizes = [target_margins([FAIR], draw(n, 0), n, 1.4)[FAIR.key] for n in (400, 1600, 25_600)]
    assert sizes[0] >= sizes[1] > sizes[2] > 0
    assert target_margins([FAIR], draw(400, 0), 400, 0.0)[FAIR.key] == 0


@pytest.mark.parametrize("text", ["dpd <= 0.1", "robust_accuracy(pgd, eps=0.1) >= 0.9", "accuracy >= 0.9"])
def test_margins_leave_something_to_aim_at(text):
    target = parse_target(text)
    data = draw(20, 0)
    attacked = {target.key: Attacked(np.arange(20), data.z)} if "robust" in text else {}
    data = CalibrationData(data.z, data.y, data.codes, data.posterior, attacked)
    assert target_margins([target], data, 20, 50.0)[target.key] == pytest.approx(MARGIN_SHARE * 0.1)


def test_a_robust_target_rests_on_the_rows_that_were_attacked():
    data = draw(1000, 0)
    key = parse_target("robust_accuracy(pgd, eps=0.1) >= 0.5").key

    def margin(name: str, rows: int) -> float:
        target = parse_target(f"{name}(pgd, eps=0.1) >= 0.5")
        attacked = {key: Attacked(np.arange(rows), data.z[:rows])}
        one = CalibrationData(data.z, data.y, data.codes, data.posterior, attacked)
        return target_margins([target], one, 1000, 1.0)[target.key]

    for name in ("robust_accuracy", "worst_group_robust_accuracy"):
        assert margin(name, 250) > 1.15 * margin(name, 1000), name


def test_the_rule_meets_the_tightened_target_where_it_can():
    data = draw(800, 3)
    found = calibrate(data, [FAIR], {FAIR.key: 0.06})
    assert found.values[FAIR.key] <= 0.04 + 1e-6
    assert found.violation == 0


def test_a_margin_makes_hits_on_new_rows_more_frequent():
    hits = {True: 0, False: 0}
    for seed in range(12):
        fitted, new = draw(300, seed), draw(2000, 1000 + seed)
        for tightened in hits:
            margins = target_margins([FAIR], fitted, len(new.y), 1.4) if tightened else {}
            found = calibrate(fitted, [FAIR], margins, line=11, n_thresholds=80)
            value = evaluate_rule(new, found.threshold, found.offsets, [FAIR], {}).values[FAIR.key]
            hits[tightened] += value <= 0.1
    assert hits[True] >= hits[False] + 3
    assert hits[True] >= 9


def test_unequal_weights_widen_a_margin_as_kish_says():
    data = draw(1000, 0)
    weight = np.where(np.arange(1000) < 500, 3.0, 1.0).astype(np.float32)
    weighted = CalibrationData(data.z, data.y, data.codes, data.posterior, {}, weight)
    plain, wide = (target_margins([FAIR], one, 1000, 0.2)[FAIR.key] for one in (data, weighted))
    assert wide == pytest.approx(plain * np.sqrt(1000 * (weight**2).sum() / weight.sum() ** 2), rel=1e-4)
