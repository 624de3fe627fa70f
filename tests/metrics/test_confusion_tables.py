"""Intervals of F1, MCC and balanced accuracy cover, weigh rows as resampling them does, and stand many classes."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest
import sklearn.metrics as sk

from efficienttrust.metrics import Outcome, measure, metrics

TRUTH = {"f1": 0.8 * 0.3 * 2 / (0.3 + 0.8 * 0.3 + 0.1 * 0.7), "balanced_accuracy": 0.85}


def sample(rng: np.random.Generator, n: int) -> Outcome:
    """Rows with a base rate of 0.3, decided right with 0.8 (positives) and 0.9 (negatives)."""
    y = (rng.random(n) < 0.3).astype(int)
    prediction = np.where(rng.random(n) < np.where(y == 1, 0.8, 0.9), y, 1 - y)
    return Outcome(y=y, prediction=prediction, score=prediction, groups=np.zeros(n))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", sorted(TRUTH))
def test_intervals_cover(name: str, weighted: bool) -> None:
    rng, covered = np.random.default_rng(0), []
    for _ in range(250):
        outcome = sample(rng, 150)
        if weighted:
            outcome = dataclasses.replace(outcome, weight=rng.exponential(1, 150))
        measured = measure(name, outcome)
        covered.append(measured.low <= TRUTH[name] <= measured.high)
    assert 0.95 - 3 * np.sqrt(0.05 * 0.95 / 250) <= np.mean(covered) <= 0.995


@pytest.mark.parametrize("name", sorted(TRUTH))
def test_limits_hold_at_their_level(name: str) -> None:
    rng, metric = np.random.default_rng(1), metrics.get(name)
    wrong = [metric.limit(sample(rng, 200), {}, 0.1).value > TRUTH[name] for _ in range(250)]
    assert np.mean(wrong) <= 0.1 + 3 * np.sqrt(0.1 * 0.9 / 250)


def test_weights_within_cells_are_drawn_as_resampling_rows_draws_them() -> None:
    rng = np.random.default_rng(2)
    outcome = dataclasses.replace(sample(rng, 400), weight=rng.exponential(1, 400))
    drawn = [rng.integers(0, 400, 400) for _ in range(400)]
    scores = [sk.f1_score(outcome.y[i], outcome.prediction[i], sample_weight=outcome.weight[i]) for i in drawn]
    measured = measure("f1", outcome)
    assert measured.high - measured.low == pytest.approx(3.92 * np.std(scores), rel=0.15)


def test_a_thousand_classes_take_a_second() -> None:
    rng, n, k = np.random.default_rng(3), 20_000, 1000
    y = np.arange(n) % k
    prediction = np.where(rng.random(n) < 0.7, y, rng.integers(0, k, n))
    score = np.broadcast_to(np.nan, (n, k))
    outcome = Outcome(y=y, prediction=prediction, score=score, groups=np.zeros(n), task="multiclass")
    start = time.process_time()
    found = {name: measure(name, outcome) for name in ("balanced_accuracy", "f1_macro", "mcc")}
    assert time.process_time() - start < 6
    assert found["balanced_accuracy"].value == pytest.approx(sk.balanced_accuracy_score(y, prediction))
    assert found["mcc"].value == pytest.approx(sk.matthews_corrcoef(y, prediction))
    assert all(each.low < each.value < each.high and each.high - each.low < 0.03 for each in found.values())
