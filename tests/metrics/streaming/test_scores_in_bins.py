"""Metrics of ranks and calibration from histograms: never further from those of the rows than they say."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streams import counted, make

from efficienttrust.metrics import Measurement, Outcome, measure

AREAS = ["auc", "group_auc_gap", "worst_group_auc"]
CALIBRATION = ["calibration_error", "worst_group_calibration_error"]


def bound_of(found: Measurement) -> float:
    match = re.search(r"scores in \d+ bins \(.*off by at most ([0-9.e+-]+)\)", found.how)
    assert match
    return float(match[1])


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 1000),
    n=st.integers(40, 900),
    bins=st.sampled_from([2, 7, 64, 1024]),
    weighted=st.booleans(),
    name=st.sampled_from([*AREAS, *CALIBRATION]),
    digits=st.sampled_from([1, 2, 15]),
)
def test_bound_holds(seed: int, n: int, bins: int, weighted: bool, name: str, digits: int) -> None:
    outcome = make(seed=seed, n=n, weighted=weighted, unknown=False)
    outcome = dataclasses.replace(outcome, score=outcome.score.round(digits))
    by = {} if name in ("auc", "calibration_error") else {"by": "sex"}
    found, exact = counted(outcome, bins=bins).measure(name, **by), measure(name, outcome, by)
    if np.isnan(exact.value):
        assert np.isnan(found.value)
        return
    # a gap may be off by the bounds of both its groups
    assert abs(found.value - exact.value) <= (2 if name == "group_auc_gap" else 1) * bound_of(found) + 1e-12
    assert found.n == exact.n


@pytest.mark.parametrize("task", ["binary", "multiclass"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", [*AREAS, *CALIBRATION, "calibration_gap"])
def test_interval_is_that_of_the_rows_a_little_wider(name: str, task: str, weighted: bool) -> None:
    outcome = make(task, n=6000, weighted=weighted)
    by = {} if name in ("auc", "calibration_error") else {"by": "sex"}
    found, exact = counted(outcome, bins=1 << 13).measure(name, **by), measure(name, outcome, by)
    assert found.value == pytest.approx(exact.value, abs=4e-3)
    assert found.low <= exact.low + 4e-3
    assert found.high >= exact.high - 4e-3
    assert found.high - found.low <= 1.6 * (exact.high - exact.low) + 4e-3


@pytest.mark.parametrize("name", [*AREAS, *CALIBRATION])
def test_scores_that_fit_the_bins_lose_nothing(name: str) -> None:
    outcome = make(n=4000)
    coarse = dataclasses.replace(outcome, score=np.floor(outcome.score * 64) / 64)
    by = {} if name in ("auc", "calibration_error") else {"by": "sex"}
    found, exact = counted(coarse, bins=64).measure(name, **by), measure(name, coarse, by)
    assert found.value == pytest.approx(exact.value, abs=1e-12 if name in AREAS else 0.02)


def test_score_of_one_is_in_the_last_bin() -> None:
    y = np.tile([0, 1], 50)
    perfect = Outcome(y, y, y.astype(float), y, ("a", "b"), {"g": (y, ("a", "b"))})
    assert counted(perfect).measure("auc").value == 1


def test_scores_that_are_no_numbers_are_not_hidden() -> None:
    outcome = make()
    odd = dataclasses.replace(outcome, score=np.where(np.arange(1500) == 700, np.nan, outcome.score))
    for name in ("auc", "log_loss", "brier", "calibration_error", "worst_group_log_loss", "group_auc_gap"):
        found = counted(odd).measure(name)
        assert np.isnan(found.value)
        assert found.note in ("some scores are not numbers", "needs rows of both labels and finite scores")
    assert counted(odd).measure("dpd") == measure("dpd", odd)
