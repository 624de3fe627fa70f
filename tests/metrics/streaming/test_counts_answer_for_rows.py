"""What was counted gives the measurement that the rows give: value, interval, n, how and note."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streams import assert_same, counted, make, streamed

from efficienttrust.metrics import TASKS, Outcome, measure, metrics
from efficienttrust.metrics.streaming import Accumulator

BINNED = {"auc", "group_auc_gap", "worst_group_auc", "calibration_error", "calibration_gap"}
BINNED |= {"worst_group_calibration_error"}
EXACT = {task: [name for name in streamed(task) if name not in BINNED] for task in TASKS}
CASES = [(task, name) for task in TASKS for name in EXACT[task] if (task, name) != ("multilabel", "f1_macro")]


def asked(name: str) -> list[dict[str, object]]:
    parameters = metrics.get(name).parameters
    ways: list[dict[str, object]] = [{}, {"by": "age"}] if "by" in parameters else [{}]
    return ways + ([{"by": "sex", "corrected": True}] if "corrected" in parameters else [])


def test_the_metrics_of_the_issue_are_there() -> None:
    assert set(EXACT["binary"]) >= {
        *("accuracy", "balanced_accuracy", "f1", "mcc", "log_loss", "brier", "worst_group_accuracy", "accuracy_gap"),
        *("demographic_parity_difference", "demographic_parity_ratio", "equalized_odds_difference"),
        *("equalized_odds_difference_max", "equal_opportunity_difference", "predictive_parity_difference"),
    }
    assert set(EXACT["regression"]) >= {"mean_squared_error", "mean_absolute_error", "r2", "rmse_gap"}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("task", "name"), CASES)
def test_same_measurement(task: str, name: str, weighted: bool) -> None:
    outcome = make(task, n=800, weighted=weighted)
    accumulator = counted(outcome)
    for arguments in asked(name):
        assert_same(accumulator.measure(name, 0.9, **arguments), measure(name, outcome, arguments, 0.9), rel=1e-7)


@pytest.mark.parametrize(
    "name", [name for name in EXACT["binary"] if name not in ("log_loss", "brier", "worst_group_log_loss")]
)
def test_same_to_the_last_bit_without_weights(name: str) -> None:
    outcome = make()
    accumulator = counted(outcome)
    assert all(accumulator.measure(name, **way) == measure(name, outcome, way) for way in asked(name))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(0, 60),
    size=st.integers(1, 70),
    weighted=st.booleans(),
    name=st.sampled_from(EXACT["binary"]),
    by=st.sampled_from(["sex", "age"]),
)
def test_few_rows_and_empty_cells(seed: int, n: int, size: int, weighted: bool, name: str, by: str) -> None:
    outcome = make(seed=seed, n=n, weighted=weighted)
    arguments = {"by": by} if "by" in metrics.get(name).parameters else {}
    assert_same(counted(outcome, size).measure(name, **arguments), measure(name, outcome, arguments), rel=1e-6)


def test_group_without_positives_is_not_estimated() -> None:
    outcome = make(unknown=False)
    sex, names = outcome.attributes["sex"]
    barren = dataclasses.replace(outcome, y=np.where(sex == 1, 0, outcome.y))
    found = counted(barren).measure("equal_opportunity_difference", by="sex")
    assert np.isnan([found.value, found.low, found.high]).all()
    assert found.note == f"group {names[1]!r} has no positives here"
    assert_same(found, measure("eopp", barren, {"by": "sex"}))


def test_intersections_that_do_not_occur_are_no_groups() -> None:
    codes = {"sex": np.array([0, 0, 1] * 20), "age": np.array([0, 1, 0] * 20)}
    y = np.tile([0, 1], 30)
    accumulator = Accumulator({"sex": ("F", "M"), "age": ("young", "middle", "old")}).update(y, y, groups=codes)
    rows = Outcome(y, y, y, np.tile([0, 1, 2], 20), ("F & young", "F & middle", "M & young"))
    assert accumulator.measure("dpd") == measure("dpd", rows)


def test_no_attribute_is_one_group() -> None:
    y = np.tile([0, 1], 30)
    accumulator = Accumulator({}).update(y, y, groups={})
    assert accumulator.measure("accuracy").value == 1
    assert accumulator.measure("dpd").note == "needs at least 2 groups, has 1"


def test_labels_of_one_row_cannot_be_put_together_again() -> None:
    assert "needs rows" in counted(make("multilabel")).measure("f1_macro").note


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int32, np.float32, np.float64])
def test_any_dtype_counts_the_same(dtype: type) -> None:
    outcome = make(unknown=False)
    cast = dataclasses.replace(outcome, y=outcome.y.astype(dtype), prediction=outcome.prediction.astype(dtype))
    assert counted(cast).state() == counted(outcome).state()


@pytest.mark.parametrize(
    ("task", "name"), [("binary", "f1"), ("multiclass", "mcc"), ("multiclass", "balanced_accuracy")]
)
def test_class_whose_rows_weigh_nothing_is_a_class_without_rows(task: str, name: str) -> None:
    outcome = make(task, weighted=True)
    outcome = dataclasses.replace(outcome, weight=np.where(outcome.y == 1, 0.0, outcome.weight))
    found = counted(outcome).measure(name)
    assert np.isnan(found.value)
    assert_same(found, measure(name, outcome))
