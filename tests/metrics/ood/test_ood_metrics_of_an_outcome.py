"""The statistics as metrics: named with a detector, targeted, limited, and by group on in-distribution rows."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.targets import parse_target
from efficienttrust.metrics import Outcome, measure, metrics
from efficienttrust.metrics.ood import auroc, false_alarm_rates, fpr_at_95_tpr

NAMES = ("ood_auroc", "aupr_in", "aupr_out", "fpr_at_95_tpr", "ood_false_alarm_gap")


def outcome_of(n: int = 1000, weighted: bool = False) -> Outcome:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 2, n)
    y = rng.integers(0, 2, n)
    return Outcome(
        y=y,
        prediction=y,
        score=rng.random(n),
        groups=codes,
        group_names=("a", "b"),
        attributes={"sex": (codes, ("a", "b"))},
        ood={"energy": (rng.normal(1.5 - codes, 1.0), rng.normal(-1.0, 1.0, 400))},
        weight=rng.random(n) if weighted else None,
    )


@pytest.mark.parametrize("name", NAMES)
def test_measured_on_an_outcome(name: str) -> None:
    metric, measured = metrics.get(name), measure(name, outcome_of(), {"detector": "energy"})
    assert metric.low <= measured.low < measured.value < measured.high <= metric.high
    assert measured.name == f"{name}(energy)"
    assert "95%" in measured.how


@pytest.mark.parametrize("name", NAMES)
def test_limits_are_on_the_worse_side(name: str) -> None:
    outcome, metric = outcome_of(), metrics.get(name)
    resolved = metric.resolve({"detector": "energy"})
    sign = -1 if metric.better == "higher" else 1
    limit = metric.limit(outcome, resolved, 0.05)
    assert sign * limit.value > sign * measure(name, outcome, resolved).value
    assert sign * limit.best <= sign * limit.value
    assert sign * metric.limit(outcome, resolved, 0.001).value >= sign * limit.value


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_every_task_has_them(task: str) -> None:
    outcome = outcome_of()
    score = np.tile([0.5, 0.5], (1000, 1)) if task == "multiclass" else outcome.score
    other = dataclasses.replace(outcome, task=task, score=score)
    for name in NAMES:
        assert measure(name, other, {"detector": "energy"}) == measure(name, outcome, {"detector": "energy"})


def test_values_are_those_of_the_functions() -> None:
    outcome = outcome_of()
    inside, outside = outcome.ood["energy"]
    assert measure("ood_auroc", outcome, {"detector": "energy"}).value == auroc(inside, outside).value
    assert measure("fpr_at_95_tpr", outcome, {"detector": "energy"}).value == fpr_at_95_tpr(inside, outside).value


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("ood_auroc(energy) >= 0.8", "ood_auroc(energy) >= 0.8"),
        ("fpr_at_95_tpr(detector=knn) <= 30%", "fpr_at_95_tpr(knn) <= 0.3"),
        ("ood_false_alarm_gap(energy, by=sex) <= 0.05", "ood_false_alarm_gap(energy, by=sex) <= 0.05"),
    ],
)
def test_can_be_targets(text: str, canonical: str) -> None:
    assert parse_target(text).text == canonical
    assert parse_target(canonical) == parse_target(text)


def test_a_detector_that_was_not_run_is_named() -> None:
    with pytest.raises(UsageError, match=r"ood_auroc\(knn\) was not measured on these rows; .* run: energy"):
        measure("ood_auroc", outcome_of(), {"detector": "knn"})
    with pytest.raises(UsageError, match=r"ood_auroc needs detector: write ood_auroc\(energy\)"):
        measure("ood_auroc", outcome_of())


def test_weights_are_said_not_to_count() -> None:
    assert measure("ood_auroc", outcome_of(weighted=True), {"detector": "energy"}).note == (
        "weights of rows are not used"
    )


def test_false_alarms_by_brute_force() -> None:
    outcome = outcome_of()
    inside, codes = outcome.ood["energy"][0], outcome.groups
    threshold = max(t for t in inside if np.mean(inside >= t) >= 0.95)
    expected = [np.mean(inside[codes == g] < threshold) for g in (0, 1)]
    rates = false_alarm_rates(inside, codes, ("a", "b"))
    assert rates.rate == pytest.approx(expected)
    assert rates.rate @ np.bincount(codes) / len(codes) == pytest.approx(0.05)
    gap = measure("ood_false_alarm_gap", outcome, {"detector": "energy", "by": "sex"})
    assert gap.value == pytest.approx(expected[1] - expected[0])
    assert gap.low > 0  # group b was planted one standard deviation lower


def test_groups_without_scores_are_not_zero() -> None:
    outcome = outcome_of()
    codes = np.zeros(1000, dtype=int)
    empty = measure("ood_false_alarm_gap", dataclasses.replace(outcome, groups=codes), {"detector": "energy"})
    assert np.isnan(empty.value)
    assert "'b'" in empty.note
    broken = {"energy": (np.full(1000, np.nan), np.zeros(5))}
    for name in NAMES:
        measured = measure(name, dataclasses.replace(outcome, ood=broken), {"detector": "energy"})
        assert np.isnan(measured.value)
        assert measured.note


def test_outside_scores_that_are_no_numbers_leave_nothing() -> None:
    broken = {"energy": (np.zeros(1000), np.array([0.0, np.nan]))}
    for name in ("ood_auroc", "aupr_in", "aupr_out", "fpr_at_95_tpr"):
        measured = measure(name, dataclasses.replace(outcome_of(), ood=broken), {"detector": "energy"})
        assert np.isnan(measured.value)
        assert measured.note == "some scores are not numbers"


@pytest.mark.parametrize("name", NAMES)
def test_rows_that_were_not_scored_are_left_out(name: str) -> None:
    outcome, kept = outcome_of(), np.arange(1000) % 3 > 0
    inside, outside = outcome.ood["energy"]
    partly = dataclasses.replace(outcome, ood={"energy": (np.where(kept, inside, np.nan), outside)})
    columns = {key: getattr(outcome, key)[kept] for key in ("y", "prediction", "score", "groups")}
    groups = {"sex": (outcome.groups[kept], ("a", "b"))}
    alone = dataclasses.replace(outcome, **columns, attributes=groups, ood={"energy": (inside[kept], outside)})
    metric = metrics.get(name)
    resolved = metric.resolve({"detector": "energy"})
    measured = measure(name, partly, resolved)
    assert dataclasses.replace(measured, note="") == measure(name, alone, resolved)
    assert metric.limit(partly, resolved, 0.05) == metric.limit(alone, resolved, 0.05)
    assert name == "ood_false_alarm_gap" or measured.note == "666 of 1000 rows were scored by the detector"


def test_rows_of_unknown_group_set_the_threshold_only() -> None:
    scores, codes = np.arange(100.0), np.where(np.arange(100) < 10, -1, np.arange(100) % 2)
    rates = false_alarm_rates(scores, codes, ("even", "odd"))
    assert rates.rate.tolist() == [0, 0]
    assert rates.n.tolist() == [45, 45]
