"""A row holds what another library reads off the predictions of the file."""

from __future__ import annotations

import math

import pytest

from efficienttrust.evaluation.targets import parse_target
from efficienttrust.pipeline.methods import row_of, run_method
from efficienttrust.pipeline.methods._row import _judged
from tests.small_problems import loans

metrics = pytest.importorskip("fairlearn.metrics")


def test_hit_violation_and_utility_follow_from_the_predictions():
    targets = ["dpd <= 0.01", "accuracy >= 0.9"]
    result = run_method("threshold", loans(), budget="time=60 steps", targets=targets)
    row = row_of(result, targets)
    said = result.run.predictions
    gap = metrics.demographic_parity_difference(
        said["label"], said["prediction"], sensitive_features=said["sex"].astype(str)
    )
    accuracy = float((said["label"] == said["prediction"]).mean())
    assert row["utility"] == pytest.approx(accuracy)
    assert row["violation"] == pytest.approx(max(gap - 0.01, 0.0) + 0.9 - accuracy)
    assert row["hit"] is False


def test_a_value_that_cannot_be_estimated_is_no_hit_and_no_zero():
    parity, accuracy = parse_target("dpd <= 0.1"), parse_target("accuracy >= 0.5")
    judged = _judged({parity.key: math.nan, "accuracy": 0.7}, [parity, accuracy], "accuracy")
    assert judged["hit"] is False
    assert math.isnan(judged["violation"])
    assert judged["utility"] == 0.7


def test_what_is_met_counts_for_nothing_in_the_violation():
    parity, accuracy = parse_target("dpd <= 0.1"), parse_target("accuracy >= 0.8")
    judged = _judged({parity.key: 0.02, "accuracy": 0.7}, [parity, accuracy], "accuracy")
    assert judged == {"hit": False, "violation": pytest.approx(0.1), "utility": 0.7}
