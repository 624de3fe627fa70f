"""The interval of the calibration error covers the truth, and the correction takes its upward bias off."""

from __future__ import annotations

import numpy as np
import pytest

from efficienttrust.metrics import Outcome, measure
from efficienttrust.metrics.calibration import binned

SHAPES = {
    "calibrated": lambda s: s,
    "too confident": lambda s: 0.5 + (s - 0.5) * 0.6,
    "slightly too confident": lambda s: 0.5 + (s - 0.5) * 0.9,
    "too high": lambda s: np.clip(s - 0.08, 0, 1),
    "wrong in one bin": lambda s: np.where((s > 0.6) & (s < 0.75), s - 0.3, s),
}


def truth_in_bins(score: np.ndarray, truth: np.ndarray) -> float:
    """The calibration error that the same bins would have without noise in the labels."""
    bins = int(np.clip(len(score) // 10, 1, 15))
    edges = np.quantile(score, np.linspace(0, 1, bins + 1)[1:-1])
    return float(np.abs(np.bincount(np.searchsorted(edges, score, side="right"), truth - score)).sum() / len(score))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n", [60, 300, 3000])
def test_interval_covers_and_correction_helps(n: int, shape: str) -> None:
    rng, repeats = np.random.default_rng(0), 120
    covered, corrected, plain = [], [], []
    for _ in range(repeats):
        score = rng.random(n)
        p = SHAPES[shape](score)
        found, truth = binned(rng.random(n) < p, score, None), truth_in_bins(score, p)
        low, high = found.ends(0.025, 0.025)
        covered.append(low <= truth + 1e-12 and truth <= high)
        corrected.append(found.corrected() - truth)
        plain.append(found.error - truth)
    assert np.mean(covered) >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / repeats)
    assert abs(np.mean(corrected)) < max(0.6 * abs(np.mean(plain)), 0.02)


def test_upper_limit_holds_at_its_level() -> None:
    rng, wrong = np.random.default_rng(1), []
    for shape in SHAPES.values():
        for _ in range(80):
            score = rng.random(400)
            p = shape(score)
            found = binned(rng.random(400) < p, score, None)
            wrong.append(found.ends(0.1, 0.1)[1] < truth_in_bins(score, p))
    assert np.mean(wrong) <= 0.1 + 3 * np.sqrt(0.1 * 0.9 / len(wrong))


def test_a_group_is_not_worse_for_being_small() -> None:
    """Both groups are calibrated; the plug-in error of the small one is high, its corrected error is not."""
    rng = np.random.default_rng(2)
    gaps, worst = [], []
    for _ in range(40):
        score, groups = rng.random(3000), (np.arange(3000) < 100).astype(int)
        y = (rng.random(3000) < score).astype(int)
        outcome = Outcome(y=y, prediction=score > 0.5, score=score, groups=groups, group_names=("large", "small"))
        gap = measure("calibration_gap", outcome)
        gaps.append(gap.value)
        worst.append(measure("worst_group_calibration_error", outcome).value)
        assert gap.low == 0
    assert np.mean(gaps) < 0.5 * np.mean(worst)


def test_the_correction_is_offered_and_named() -> None:
    rng = np.random.default_rng(3)
    score = rng.random(500)
    y = (rng.random(500) < score).astype(int)
    outcome = Outcome(y=y, prediction=score > 0.5, score=score, groups=np.zeros(500))
    plain = measure("ece", outcome)
    corrected = measure("ece", outcome, {"corrected": "true"})
    assert corrected.name == "calibration_error(corrected=True)"
    assert corrected.value < plain.value
    assert corrected.high == plain.high
    assert "expected by chance" in plain.note
