"""Every method goes through the same pipeline, pays for its search from one budget, and carries out what it says."""

from __future__ import annotations

import dataclasses

import pytest

from efficienttrust.atats.catalogue.static import Static
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.targets import parse_target
from efficienttrust.pipeline.methods import MethodRequest, fitted, methods, row_of, run_method
from efficienttrust.pipeline.methods._method import BEFORE
from efficienttrust.resources import Budget
from efficienttrust.training import Settings
from tests.small_problems import FAIR, loans

FREE = "unconstrained"
ATTACKING = ("eg_on_robust", "fast_at", "free_at", "pgd_at", "static_grid", "successive_halving", "trades")
DEAR = ("eg_on_robust", "pgd_at", "static_grid", "successive_halving", "trades", "trees_eg", FREE)
TARGETS = ("dpd <= 0.1", "robust_accuracy(n_fgsm, eps=0.1) >= 0.6")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in DEAR else name for name in methods.names()]
)
def test_a_method_spends_no_more_than_was_asked(name):
    targets = TARGETS if name in ATTACKING else [FAIR]
    result = run_method(name, loans(), budget="time=24 steps", targets=targets, seed=1)
    row = row_of(result, targets)
    assert row["method"] == result.method == name
    assert row["budget"] == "time=24 steps"
    assert row["clock"] == "steps"
    assert row["seed"] == 1
    assert row["spent"] == result.run.ledger["clocks"]["steps"]
    if name != FREE:
        assert 0 < row["spent"] <= 24
        assert row["overspent"] == 0
    assert set(row["verdicts"]) == {verdict.target for verdict in result.run.verdicts}
    assert result.description
    assert result.run.content


def test_without_a_limit_training_ends_by_itself_and_says_what_it_overspent():
    result = run_method(FREE, loans(), budget="time=10 steps, parameters=5", targets=[FAIR])
    row = row_of(result, [FAIR])
    assert row["spent"] > 100
    assert row["overspent"] == row["spent"] - 10
    assert row["stage"] == BEFORE


def test_methods_that_know_nothing_of_trust_are_judged_before_calibration():
    for name in ("early_stop", "quantise_only"):
        row = row_of(run_method(name, loans(), budget="time=60 steps", targets=[FAIR]), [FAIR])
        assert row["stage"] == BEFORE
        assert {key: row[key] for key in ("hit", "violation", "utility")} == row["before"]
        assert set(row["verdicts"].values()) <= {"met", "missed"}


def test_the_plain_training_is_the_same_with_and_without_its_calibration():
    plain, calibrated = (
        row_of(run_method(name, loans(), budget="time=60 steps", targets=[FAIR]), [FAIR])
        for name in ("early_stop", "threshold")
    )
    assert plain["before"] == calibrated["before"]


def test_a_reduced_network_has_a_quarter_of_the_parameters():
    small, usual = (
        run_method(name, loans(), budget="time=20 steps", targets=["accuracy >= 0.5"]).run
        for name in ("reduced_width", "early_stop")
    )
    parameters = [run.document["model"]["parameters"] for run in (small, usual)]
    assert parameters[0] <= 0.25 * parameters[1]


def test_only_the_aware_method_reads_the_group():
    blind = {
        name: run_method(name, loans(), budget="time=20 steps", targets=[FAIR]).run.document["model"]["blind"]
        for name in ("threshold", "threshold_aware")
    }
    assert blind == {"threshold": True, "threshold_aware": False}


def test_an_unknown_method_is_answered_with_the_nearest_name():
    with pytest.raises(UsageError, match="Did you mean 'group_dro'"):
        run_method("group_dr", loans(), budget="time=10 steps", targets=[FAIR])


class Spreading(Static):
    """Asks for a dial that only a conditional training carries out."""

    def reset(self, plan):
        return dataclasses.replace(super().reset(plan), spread=0.5)


def test_a_dial_that_nothing_carries_out_is_no_method():
    request = MethodRequest(loans(), Budget.parse("time=10 steps"), [parse_target(FAIR)])
    with pytest.raises(UsageError, match="spreading rests on spread, which nothing carries out"):
        fitted("spreading", "a spread of settings", request, policy=Spreading())


def test_a_method_trains_the_network_that_is_asked_for_in_the_way_that_is_asked_for():
    asked = {"budget": "time=20 steps", "targets": [FAIR], "model": "mlp(widths=8)"}
    run = run_method("reweighing", loans(), **asked, settings=Settings(prune="gradual:0.5", quantize="none")).run
    assert run.document["model"]["architecture"] == "mlp 8"
    assert run.document["spec"]["prune"] == "gradual:0.5"
    # With few bins most parameters are in the layers, which have a width; the embedding of many bins has none.
    narrow = run_method("reduced_width", loans(), budget="time=20 steps", targets=[FAIR], model="tabular(bins=8)").run
    assert narrow.document["spec"]["network"] == "tabular"
    assert narrow.document["model"]["width_reason"].startswith("tabular at width 0.")


@pytest.mark.parametrize(
    ("method", "asked", "said"),
    [
        ("prune_only", {"settings": Settings(prune="gradual:0.5")}, "prune_only fixes prune at gradual:0.8"),
        ("trees_threshold", {"model": "mlp"}, "trees_threshold chooses its own model"),
        ("trees_threshold", {"settings": Settings(prune="gradual:0.5")}, "are not pruned"),
    ],
)
def test_a_method_refuses_what_it_does_not_leave_open(method, asked, said):
    with pytest.raises(UsageError, match=said):
        run_method(method, loans(), budget="time=20 steps", targets=[FAIR], **asked)
