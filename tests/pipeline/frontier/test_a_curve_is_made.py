"""A curve: inside its budget, the same for the same seed, over the axes that there are, of rules that none beats."""

from __future__ import annotations

import math
import shlex
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from efficienttrust import frontier, load_frontier
from efficienttrust.cli.main import app
from efficienttrust.data import load_problem
from efficienttrust.errors import UsageError
from efficienttrust.pipeline.frontier import _frontier, measure_points, parse_axes
from tests.pipeline.frontier.conftest import BUDGET
from tests.small_problems import loans, make_table

DPD, ROBUST = "demographic_parity_difference", "robust_accuracy(pgd, eps=0.25, norm=linf)"


def without_clocks(document):
    """What a seed and a step budget must determine."""
    return {key: document[key] for key in ("axes", "points", "model", "spec", "fallbacks")}


def test_the_axes_are_utility_and_what_the_data_show(made):
    document = made[0].document
    assert made[0].axes.keys == ("accuracy", DPD, ROBUST)
    assert [one["name"] for one in document["points"]] == [f"P{i + 1}" for i in range(len(document["points"]))]
    for one in document["points"]:
        assert set(one["calibrate"]) == set(one["test"]) == {"accuracy", DPD, ROBUST}
        assert set(one["setting"]) == {"lambda_fair", "adversarial_share"}
        for cell in one["test"].values():
            assert cell["low"] <= cell["value"] <= cell["high"]
            assert cell["n"] == document["problem"]["splits"]["test"]


def test_points_fall_in_utility_and_none_beats_another_on_calibrate(made):
    values = [one.point.values for one in made[0].points]
    assert 1 < len(values) <= 4
    assert all(a[0] >= b[0] for a, b in pairwise(values))
    for i, a in enumerate(values):
        assert not any(np.all(b >= a) and np.any(b > a) for j, b in enumerate(values) if j != i)


@pytest.mark.parametrize(("clock", "amount"), [("steps", 40), ("samples", 1500)])
def test_a_counted_budget_is_not_exceeded_and_the_ledger_closes(clock, amount):
    made = frontier(loans(), budget=f"time={amount} {clock}", axes=["dpd"], points=2)
    ledger = made.document["ledger"]
    time = ledger["time"]
    assert 0 < time["used"] <= time["asked"] == amount
    assert sum(time["phases"].values()) == pytest.approx(time["used"])
    assert ledger["clocks"][clock] == pytest.approx(time["used"])
    assert "evaluate" in ledger["outside"], "measuring on test is not charged"
    assert ledger["size"]["used"] == max(one["size_bytes"] for one in made.document["points"])


def test_a_seed_determines_a_curve():
    one, same, other = (
        frontier(loans(), budget="time=20 steps", axes=[ROBUST], points=3, seed=seed) for seed in (3, 3, 4)
    )
    assert without_clocks(one.document) == without_clocks(same.document)
    states = [each.candidates.network_state for each in (one, same, other)]
    assert all((states[0][name] == states[1][name]).all() for name in states[0])
    assert any((states[0][name] != states[2][name]).any() for name in states[0])


def test_fairness_alone():
    made = frontier(loans(), budget="time=30 steps", axes=["equal_opportunity_difference"], points=3)
    assert made.axes.keys == ("accuracy", "equal_opportunity_difference")
    assert {one["setting"]["adversarial_share"] for one in made.document["points"]} == {0.0}


def test_robustness_alone_where_no_groups_are_named():
    problem = load_problem(make_table(400), label="approved", name="loans")
    made = frontier(problem, budget="time=30 steps", points=3)
    assert made.axes.keys == ("accuracy", ROBUST)
    assert {one["setting"]["lambda_fair"] for one in made.document["points"]} == {0.0}


def test_a_policy_that_is_not_conditional_gives_its_candidates():
    made = frontier(loans(), budget="time=30 steps", policy="plan", axes=["dpd"], points=3)
    assert made.document["points"]
    assert {one["setting"] for one in made.document["points"]} == {None}
    assert made.document["model"]["settings"] == []
    assert made.candidates.network_state == {}


def test_the_command_on_record_makes_the_curve_again(made):
    words = shlex.split(made[0].document["command"])
    assert words[:3] == ["efficienttrust", "frontier", "german"]
    assert words[words.index("--budget") + 1] == BUDGET
    assert [words[i + 1] for i, word in enumerate(words) if word == "--axis"] == [DPD, ROBUST]
    _command, bound, _ = app.parse_args(words[1:])
    assert bound.arguments["points"] == 4
    assert bound.arguments["data"].sensitive == ["sex"]


def test_the_table_has_a_row_a_point(made):
    table = made[0].table()
    assert list(table["point"]) == [one["name"] for one in made[0].document["points"]]
    first = made[0].document["points"][0]["test"][DPD]
    assert tuple(table.loc[0, [DPD, f"{DPD} low", f"{DPD} high"]]) == (first["value"], first["low"], first["high"])


def test_a_value_that_cannot_be_estimated_is_nan_and_kept(monkeypatch, tmp_path):
    def without(*args, **kwargs):
        found = measure_points(*args, **kwargs)
        unknown = replace(found[0].test[DPD], value=math.nan, low=math.nan, high=math.nan, note="one group is absent")
        return [replace(found[0], test={**found[0].test, DPD: unknown}), *found[1:]]

    monkeypatch.setattr(_frontier, "measure_points", without)
    made = frontier(loans(), budget="time=20 steps", axes=["dpd"], points=2, out=tmp_path / "f")
    cell = load_frontier(tmp_path / "f").document["points"][0]["test"][DPD]
    assert math.isnan(made.document["points"][0]["test"][DPD]["value"])
    assert math.isnan(cell["value"])
    assert cell["note"] == "one group is absent"
    assert "not estimable" in (tmp_path / "f" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("axes", "says"),
    [
        (["dpdd"], "Did you mean 'dpd'"),
        (["dpd", "equal_opportunity_difference"], "leave out one of both"),
        (["accuracy"], "training has no lever for it"),
    ],
)
def test_wrong_axes_are_refused_in_one_line(axes, says):
    with pytest.raises(UsageError, match=says) as refused:
        parse_axes(loans(), axes)
    assert "\n" not in str(refused.value)


def test_nothing_to_trade_is_refused():
    table = make_table(400)
    problem = load_problem(
        table, label="approved", name="loans", immutable=[name for name in table if name != "approved"]
    )
    with pytest.raises(UsageError, match="nothing to trade"):
        frontier(problem, budget="time=30 steps")
    with pytest.raises(UsageError, match="--sensitive"):
        frontier(problem, budget="time=30 steps", axes=["dpd"])


@pytest.mark.parametrize(
    ("asked", "says"),
    [({"model": "trees"}, "--model trees"), ({"points": 0}, "--points 0"), ({"model": "mlpp"}, "Did you mean")],
)
def test_what_a_curve_cannot_be_made_with_is_refused_before_anything_is_spent(asked, says):
    told = []
    with pytest.raises(UsageError, match=says):
        frontier(loans(), budget="time=30 steps", progress=told.append, **asked)
    assert told == []
