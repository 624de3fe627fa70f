"""Who is hurt: planted harm is found, counts are those by hand, and thin data say so instead of guessing."""

from __future__ import annotations

import json

import numpy as np
import pytest

from efficienttrust.data import Problem, load_problem
from efficienttrust.evaluation.harm import Answers, compare
from tests.small_problems import loans, make_table, weighted_loans


def said(margin: np.ndarray) -> Answers:
    return Answers((margin > 0).astype(np.int64), margin, 1 / (1 + np.exp(-margin)))


def planted(problem: Problem, rate: float = 0.5) -> tuple[Answers, Answers]:
    """A dense model that is right in nine of ten rows, and one that flips right rows of group F alone."""
    part, rng = problem.splits["test"], np.random.default_rng(0)
    right = rng.random(len(part)) < 0.9
    margin = np.where(right == (part.y == 1), 1.0, -1.0) * rng.uniform(0.1, 3, len(part))
    flip = (part.codes["sex"] == 0) & right & (rng.random(len(part)) < rate)
    return said(margin), said(np.where(flip, -margin, margin))


def test_planted_harm_is_found():
    problem = loans(2000)
    dense, compressed = planted(problem)
    harm = compare(problem, "test", [dense], compressed)
    assert (harm.hurt_most.group, harm.hurt_most.error_change.low > 0) == ("F", True)
    assert harm.evenness[0].p < 1e-6
    female, male = harm.partitions[0].groups
    assert male.flips.value == male.error_change.value == 0
    assert female.right_to_wrong.value == female.flips.value > 0.3
    assert female.wrong_to_right.value == 0


def test_counts_are_those_by_hand():
    problem, rng = loans(), np.random.default_rng(1)
    part = problem.splits["test"]
    before = rng.normal(size=len(part))
    after = before + rng.normal(size=len(part))
    harm = compare(problem, "test", [said(before)], said(after))
    flipped, wrong = (before > 0) != (after > 0), [(m > 0) != part.y for m in (before, after)]
    assert harm.overall.flips.value == pytest.approx(flipped.mean())
    assert harm.overall.error_change.value == pytest.approx(wrong[1].mean() - wrong[0].mean())
    assert harm.exemplars.n == flipped.sum()
    found = np.flatnonzero(flipped)
    order = found[np.argsort(-np.abs(after - before)[found])][:50]
    assert [each.row for each in harm.exemplars.rows] == part.rows[order].tolist()
    for place, effect in enumerate(harm.classes):
        assert effect.flips.value == pytest.approx(flipped[part.y == place].mean())
    assert sum(cell.n for cell in harm.partitions[0].cells) == len(part)
    counts = [cell.train_rows for cell in harm.tail.cells]
    assert counts == sorted(counts)
    assert sum(counts) == len(problem.splits["train"])


def test_the_same_answers_harm_nobody():
    problem = loans()
    answers = said(np.random.default_rng(0).normal(size=len(problem.splits["test"])))
    harm = compare(problem, "test", [answers], answers)
    assert harm.exemplars.n == 0
    assert harm.overall.error_change.low <= 0 <= harm.overall.error_change.high
    assert np.isnan(harm.margins.foretold.value)
    assert harm.margins.foretold.note == harm.evenness[0].note == "no row flipped"
    assert np.isnan(harm.exemplars.error_before.value)


def test_flips_near_the_threshold_are_foretold():
    problem = loans(2000)
    margin = np.random.default_rng(0).normal(size=len(problem.splits["test"]))
    harm = compare(problem, "test", [said(margin)], said(np.where(np.abs(margin) < 0.1, -margin, margin)))
    assert harm.margins.foretold.value == 1
    assert harm.margins.near_flips.value > harm.margins.far_flips.value


def test_exemplars_are_against_the_most_frequent_decision():
    problem = loans()
    n = len(problem.splits["test"])
    one, other = said(np.ones(n)), said(-np.ones(n))
    harm = compare(problem, "test", [one, other, other], other)
    assert (harm.exemplars.n, harm.exemplars.churn.value, harm.overall.flips.value) == (0, 1, 1)
    assert compare(problem, "test", [one, other], other).exemplars.n == n  # a tie is the first model's


def test_weights_count():
    problem = weighted_loans()
    part = problem.splits["test"]
    dense, compressed = planted(problem)
    harm = compare(problem, "test", [dense], compressed)
    change = (compressed.decision != part.y).astype(float) - (dense.decision != part.y)
    assert harm.overall.error_change.value == pytest.approx(np.average(change, weights=part.weight))
    assert "effective size" in harm.overall.error_change.how


def test_many_classes_and_attributes():
    problem = load_problem(make_table(), label="housing", task="multiclass", sensitive=["sex", "region"])
    rng, part = np.random.default_rng(0), problem.splits["test"]
    answers = []
    for _ in range(2):
        logits = rng.normal(size=(len(part), 3))
        top = np.sort(logits, axis=1)
        share = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        answers.append(Answers(logits.argmax(axis=1), top[:, -1] - top[:, -2], share))
    harm = compare(problem, "test", answers[:1], answers[1])
    assert [partition.by for partition in harm.partitions] == ["sex", "region", ""]
    assert all(test.adjusted >= test.p for test in harm.evenness)
    assert harm.exemplars.n == (answers[0].decision != answers[1].decision).sum()
    assert len(harm.classes) == 3
    json.dumps(harm.to_dict())


def test_a_regression_flips_nothing():
    problem = load_problem(make_table().drop(columns="approved"), label="income", task="regression", sensitive="sex")
    part, none = problem.splits["test"], np.zeros(0)
    first, second = part.y + 1.0, part.y + np.where(part.codes["sex"] == 0, 3.0, 1.0)
    harm = compare(problem, "test", [Answers(none, none, first)], Answers(none, none, second))
    female, male = harm.partitions[0].groups
    assert female.error_change.value == pytest.approx(2, abs=1e-5)
    assert male.error_change.value == pytest.approx(0, abs=1e-5)
    assert harm.overall.flips is harm.margins is harm.exemplars.share is None
    assert harm.hurt_most.group == "F"
    json.dumps(harm.to_dict())


def test_answers_for_other_rows_are_refused():
    problem = loans()
    with pytest.raises(ValueError, match=r"answers are for 3 rows"):
        compare(problem, "test", [said(np.ones(3))], said(np.ones(3)))
