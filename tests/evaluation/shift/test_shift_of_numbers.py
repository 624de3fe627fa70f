"""Errors of a regression by environment equal direct means, and their rises cover the truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mean_absolute_error

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.shift import shift_of_numbers
from efficienttrust.metrics import Outcome


def answers(n: int = 900, seed: int = 0, *, weight: bool = False) -> tuple[Outcome, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"site": rng.choice(["A", "B", "C"], n), "year": rng.choice([2019, 2020], n)})
    y = rng.normal(100, 20, n)
    said = y + rng.normal(size=n) * np.where(frame["site"] == "C", 9.0, 3.0)
    outcome = Outcome(
        y=y, prediction=said, score=said, groups=rng.integers(0, 2, n), group_names=("f", "m"), task="regression",
        weight=rng.uniform(0.5, 2, n) if weight else None,
    )  # fmt: skip
    return outcome, frame


@pytest.mark.parametrize("weight", [False, True])
def test_errors_are_those_of_scikit_learn(weight):
    outcome, frame = answers(weight=weight)
    w = np.ones(len(frame)) if outcome.weight is None else outcome.weight

    def error(rows) -> float:
        return mean_absolute_error(outcome.y[rows], outcome.prediction[rows], sample_weight=w[rows])

    found = shift_of_numbers(outcome, frame, "site")
    site = frame["site"].to_numpy()
    assert [one["name"] for one in found["environments"]] == ["A", "B", "C"]
    for one in found["environments"]:
        here = site == one["name"]
        assert one["n"] == here.sum()
        assert one["error"]["value"] == pytest.approx(error(here), rel=1e-9)
        assert one["rise"]["value"] == pytest.approx(error(here) - error(~here), rel=1e-9)
        by_group = [error(here & (outcome.groups == code)) for code in (0, 1)]
        assert [group["error"]["value"] for group in one["groups"]] == pytest.approx(by_group, rel=1e-9)
        assert one["worst_group"]["value"] == pytest.approx(max(by_group), rel=1e-9)
        assert one["rise"]["low"] < one["rise"]["value"] < one["rise"]["high"]
    assert found["worst"] == "C"
    assert found["worst_error"]["value"] == found["environments"][2]["error"]["value"]
    assert found["environments"][2]["rise"]["low"] > 0 > found["environments"][0]["rise"]["high"]


def test_the_interval_of_a_rise_covers_the_truth():
    truth = (9 - 3) * np.sqrt(2 / np.pi)
    hits = 0
    for seed in range(120):
        outcome, frame = answers(200, seed)
        rise = shift_of_numbers(outcome, frame, "site")["environments"][2]["rise"]
        hits += rise["low"] <= truth <= rise["high"]
    assert hits >= 107  # of 120: 114 expected, 3 standard errors fewer


def test_what_cannot_be_estimated_is_nan_with_a_note():
    outcome, frame = answers(60)
    frame.loc[0, "site"], frame.loc[1, "site"] = "lone", None
    found = shift_of_numbers(outcome, frame, "site")
    lone = next(one for one in found["environments"] if one["name"] == "lone")
    assert lone["n"] == 1
    assert np.isfinite(lone["error"]["value"])
    assert np.isnan([lone["error"]["low"], lone["rise"]["high"], found["worst_error"]["low"]]).all()
    assert lone["error"]["note"] == "one row has no spread to form an interval from"
    assert any(
        np.isnan(group["error"]["value"]) and group["error"]["note"] == "no rows here" for group in lone["groups"]
    )
    assert "1 rows have no 'site' and are left out" in found["notes"]
    only = shift_of_numbers(outcome, frame.assign(site="A"), "site")
    assert np.isnan(only["environments"][0]["rise"]["value"])
    assert "column 'site' has one environment only here, 'A': no rise can be measured" in only["notes"]


def test_unknown_columns_and_other_rows_are_refused():
    outcome, frame = answers(60)
    with pytest.raises(UsageError, match="no column 'sit'"):
        shift_of_numbers(outcome, frame, "sit")
    with pytest.raises(UsageError, match="59 rows, the answers 60"):
        shift_of_numbers(outcome, frame.iloc[1:], "site")
