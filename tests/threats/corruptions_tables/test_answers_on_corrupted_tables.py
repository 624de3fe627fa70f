"""Where a model is right on corrupted rows: the same as corrupting and asking by hand."""

from __future__ import annotations

import numpy as np
import pytest

from efficienttrust.errors import UsageError
from efficienttrust.metrics import Outcome, corruption_key, measure
from efficienttrust.threats.corruptions.tables import (
    TableScale,
    corrupt_table,
    corrupted_answers,
    table_corruptions,
)
from tests.threats.corruptions_tables.mixed_tables import make_table, mixed_scale


def rich(frame):
    return (frame["income"].fillna(0) > 30).astype(int)


@pytest.fixture(scope="module")
def frame():
    return make_table(400, seed=31)


@pytest.fixture(scope="module")
def labels(frame):
    return (frame["approved"] == "yes").to_numpy(dtype=int)


def test_answers_are_those_by_hand(frame, labels):
    right = corrupted_answers(rich, frame, labels, columns=mixed_scale(), seed=3)
    assert set(right) == {corruption_key(n, severity) for n in table_corruptions.names() for severity in range(1, 6)}
    for name, severity in (("mcar", 2), ("gaussian_noise", 5), ("unit_error_tenth", 3)):
        worse = corrupt_table(frame, name, severity, columns=mixed_scale(), seed=3)
        full = table_corruptions.canonical(name)
        np.testing.assert_array_equal(right[corruption_key(full, severity)], rich(worse).to_numpy() == labels)


def test_the_metric_reads_them(frame, labels):
    right = corrupted_answers(rich, frame, labels, ["salt"], [3], columns=mixed_scale())
    assert list(right) == ["corruption_accuracy(salt_and_pepper, severity=3)"]
    answers = rich(frame).to_numpy()
    outcome = Outcome(labels, answers, answers.astype(float), np.zeros(len(frame), dtype=int), corrupted=right)
    measured = measure("corruption_accuracy", outcome, {"name": "salt_and_pepper", "severity": 3})
    assert measured.value == pytest.approx(right["corruption_accuracy(salt_and_pepper, severity=3)"].mean())


def test_a_corruption_that_changes_nothing_is_not_reported(frame, labels):
    scale = TableScale((), mixed_scale().categorical)
    right = corrupted_answers(rich, frame, labels, ["gaussian_noise", "category_swap"], [1], columns=scale)
    assert list(right) == [corruption_key("category_swap", 1)]


def test_faults_of_the_model_are_named(frame, labels):
    def strict(rows):
        if rows["income"].isna().any():
            raise ValueError("Input X contains NaN.\nImpute first.")
        return rich(rows)

    assert corrupted_answers(strict, frame, labels, ["gaussian_noise"], [1], columns=mixed_scale())
    with pytest.raises(UsageError, match=r"fails on corrupted rows: ValueError: Input X contains NaN\. Impute first"):
        corrupted_answers(strict, frame, labels, ["mcar"], [5], columns=mixed_scale())
    with pytest.raises(UsageError, match=r"decisions of shape \(400, 2\) for 400 rows"):
        corrupted_answers(lambda rows: np.zeros((len(rows), 2)), frame, labels, ["mcar"], [1], columns=mixed_scale())


def test_faults_of_the_question_come_before_the_model_is_asked(frame, labels):
    def never(rows):
        raise AssertionError("the model was asked")

    for names, severities, message in ((["mcra"], [1], "mcar"), (["mcar"], [1, 7], "severities 1 to 5")):
        with pytest.raises(UsageError, match=message):
            corrupted_answers(never, frame, labels, names, severities, columns=mixed_scale())
    with pytest.raises(UsageError, match="3 labels for 400 rows"):
        corrupted_answers(never, frame, labels[:3], columns=mixed_scale())
