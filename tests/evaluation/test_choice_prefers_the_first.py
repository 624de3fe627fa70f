"""The first candidate stays unless another is clearly better, and the search ends where the budget does."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from efficienttrust.compression import NetworkScorer
from efficienttrust.evaluation import choice as choosing
from efficienttrust.evaluation.choice import choose
from efficienttrust.evaluation.group_head import fit_group_head
from efficienttrust.evaluation.targets import parse_target
from tests.small_problems import loans

PROBLEM = loans(1200)
TRAIN = PROBLEM.splits["train"]
FAIR = parse_target("dpd <= 0.4")


def linear(weight: np.ndarray, bias: float = 0.0) -> NetworkScorer:
    return NetworkScorer(((weight[:, None].astype(np.float32), np.array([bias], np.float32)),))


def good(noise: float = 0.0) -> NetworkScorer:
    model = LogisticRegression(max_iter=500).fit(TRAIN.x, TRAIN.y)
    weight = model.coef_[0] + noise * np.random.default_rng(0).normal(size=TRAIN.x.shape[1])
    return linear(weight, model.intercept_[0])


def bad() -> NetworkScorer:
    return linear(np.random.default_rng(1).normal(size=TRAIN.x.shape[1]))


def run(scorers, targets=(FAIR,), *, affordable=lambda index: 1.0, aware=False):
    readable = np.ones(TRAIN.x.shape[1], dtype=bool)
    head = None if aware else fit_group_head(TRAIN.x, TRAIN.groups, 2, readable, 0)
    return choose(PROBLEM, scorers, targets, head, aware=aware, seed=0, affordable=affordable)


@pytest.mark.parametrize("aware", [False, True])
def test_the_first_of_equals_stays(aware):
    choice, tried = run([good(), good(), good(0.005)], aware=aware)
    assert choice.index == 0
    assert all(found is not None for found in tried)
    assert choice.decision.by_group == aware


def test_a_clearly_better_one_replaces_it():
    choice, tried = run([bad(), good(), good()])
    assert choice.index == 1
    assert tried[1].rank > tried[0].rank
    assert choice.calibrated is tried[1]


def test_meeting_the_targets_counts():
    """A blind constant meets parity; what is a little more accurate and misses it does not replace it."""
    choice, tried = run([good(), bad()], [FAIR, parse_target("accuracy >= 0.6")])
    assert choice.index == 0
    assert tried[0].violation == 0


def test_the_search_ends_where_the_budget_does():
    asked = []

    def affordable(index: int) -> float:
        asked.append(index)
        return 0.0

    choice, tried = run([bad(), good(), good()], affordable=affordable)
    assert choice.index == 0, "the first is calibrated even when nothing is left"
    assert tried[1:] == [None, None]
    assert asked == [0, 1]


def test_all_candidates_are_calibrated_with_the_effort_of_the_first(monkeypatch):
    efforts, calibrate = [], choosing._calibrate

    def recorded(*given, effort, **more):
        efforts.append(effort)
        return calibrate(*given, effort=effort, **more)

    monkeypatch.setattr(choosing, "_calibrate", recorded)
    choice, _ = run([bad(), good()], affordable=lambda index: 1.0 if index else 0.3)
    assert efforts == [0.3, 0.3]
    assert choice.effort == 0.3


def test_without_targets_accuracy_decides():
    choice, _ = run([bad(), good()], [])
    assert choice.index == 1
    assert not np.any(choice.decision.group_offsets)
    assert choice.decision.head is None, "a head that nothing needs is not exported"


def test_calibration_reads_no_more_rows_than_it_may(monkeypatch):
    """On a large split the cost of calibration stays bounded; the rows are spread over the whole split."""
    from efficienttrust.evaluation import choice

    read = []
    original = choice.calibration_data

    def spy(*arguments, **options):
        read.append(options["rows"])
        return original(*arguments, **options)

    monkeypatch.setattr(choice, "calibration_data", spy)
    monkeypatch.setattr(choice, "CALIBRATION_ROWS", 40)
    run([good()], affordable=lambda index: 1.0)
    run([good()], affordable=lambda index: 0.5)
    last = len(PROBLEM.splits["calibrate"]) - 1
    assert [len(rows) for rows in read] == [40, 20]
    assert all(rows[0] == 0 and rows[-1] == last for rows in read)
