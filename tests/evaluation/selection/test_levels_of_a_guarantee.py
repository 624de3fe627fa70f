"""The levels of all claims add up to alpha, and a target is certified only at the level that is left for it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from efficienttrust.evaluation.certification import certify, verdict
from efficienttrust.evaluation.selection import Entrant, Guarantee, calibrate_alone, run_sequence, select
from efficienttrust.evaluation.targets import parse_target
from efficienttrust.metrics import Outcome, measure
from efficienttrust.metrics.gaps import EXACT

TARGET = parse_target("accuracy >= 0.8")
ORDER = (Entrant(2, 2.0, 0.98, 0.80), Entrant(0, 1.0, 0.84, 0.85), Entrant(1, 0.0, 0.5, 0.90))


def outcome(right: int, n: int = 400) -> Outcome:
    said = (np.arange(n) < right).astype(np.int8)
    return Outcome(
        y=np.ones(n, np.int8), prediction=said, score=said.astype(float), groups=np.zeros(n, np.int64),
        group_names=("all",),
    )  # fmt: skip


def limits(right: int, alpha: float = 0.025):
    return [certify(TARGET, outcome(right), alpha)]


def chosen(passing: set[int], n_targets: int = 2, affordable=lambda _: True, order=ORDER):
    return select(
        order, lambda index, alpha: limits(400 if index in passing else 200, alpha),
        preferred=1, n_targets=n_targets, total=0.05, affordable=affordable,
    )  # fmt: skip


@pytest.mark.parametrize("n_targets", [1, 2, 3, 7])
def test_levels_add_up(n_targets):
    joint, fallback, alone = (Guarantee(kind, n_targets, 0.05).alpha for kind in ("joint", "fallback", "individual"))
    assert joint + n_targets * fallback == pytest.approx(0.05)
    assert n_targets * alone == pytest.approx(0.05)
    assert joint == pytest.approx(0.05 if n_targets == 1 else 0.025)


def test_the_most_useful_of_those_that_passed_is_delivered():
    assert (chosen({0, 1, 2}).chosen, chosen({2, 0}).chosen, chosen({2}).chosen) == (1, 0, 2)
    assert chosen({2}).guarantee.kind == "joint"


def test_nothing_after_a_failure_is_tested():
    selection = chosen({2, 1})
    assert [one.entrant.index for one in selection.tested] == [2, 0]
    assert selection.chosen == 2
    assert selection.ended == "stopped at the first failure, test 2"


def test_without_any_that_passes_the_preferred_one_falls_back():
    selection = chosen({0, 1})
    assert (selection.chosen, selection.guarantee) == (1, Guarantee("fallback", 2, 0.05))


def test_one_violated_target_is_a_failure():
    both = [*limits(400), *limits(200)]
    (tested,) = run_sequence(ORDER, lambda _: both, affordable=lambda _: True)
    assert not tested.valid


def test_the_budget_may_end_a_sequence():
    selection = chosen({0, 1, 2}, affordable=lambda n: n == 2)
    assert [one.entrant.index for one in selection.tested] == [2]
    assert selection.ended == "the budget ended after 1 of 3 tests"


@pytest.mark.parametrize(
    ("order", "n_targets", "affordable", "why"),
    [
        (ORDER, 2, lambda _: False, "did not afford"),
        (ORDER[:1], 2, lambda _: True, "no two candidates"),
        ((dataclasses.replace(ORDER[0], chance=0.3), *ORDER[1:]), 2, lambda _: True, "chance of 30% only"),
        (ORDER, 0, lambda _: True, "no target"),
    ],
)
def test_where_no_sequence_is_worth_it_certify_is_left_alone(order, n_targets, affordable, why):
    def never(index, alpha):
        raise AssertionError("certify was read")

    selection = select(
        order, never, preferred=1, n_targets=n_targets, total=0.05, affordable=affordable
    )  # fmt: skip
    assert selection == calibrate_alone(1, n_targets, 0.05, selection.ended, order)
    assert selection.guarantee.kind == "individual"
    assert why in selection.ended


def test_a_spent_level_proves_nothing():
    guarantee = Guarantee("fallback", 1, 0.05)
    certificate = guarantee.certify(TARGET, outcome(400))
    assert certificate.bound > TARGET.bound
    assert not certificate.satisfied
    ended = verdict(TARGET, measure("accuracy", outcome(400)), certificate, guarantee.words(certificate))
    assert ended.status == "met"
    assert "proves nothing" in ended.reason


def test_a_verdict_says_at_which_level_all_targets_hold():
    guarantee = Guarantee("joint", 3, 0.05)
    certificate = guarantee.certify(TARGET, outcome(380))
    ended = verdict(TARGET, measure("accuracy", outcome(380)), certificate, guarantee.words(certificate))
    assert (ended.status, certificate.level) == ("certified", 0.975)
    assert "tested on all 3 targets at once, at 97.5%" in ended.reason


def test_the_record_names_order_tests_levels_and_assumptions():
    selection = chosen({2, 0})
    record = selection.record(["last", "step 1", "step 2"], limits(380))
    assert [row["name"] for row in record["order"]] == ["step 2", "last", "step 1"]
    assert [(row["name"], row["valid"]) for row in record["tested"]] == [
        ("step 2", True), ("last", True), ("step 1", False),
    ]  # fmt: skip
    assert (record["chosen"], record["preferred"], record["guarantee"]) == ("last", "step 1", "joint")
    assert (record["level"], record["level_of_all_claims"]) == (0.975, 0.95)
    said = " ".join(record["assumptions"])
    assert "at most 5%" in said
    assert "drawn independently" in said
    assert "fixed before certify was read" in said
    assert "Clopper-Pearson" in said


def test_what_rests_on_many_rows_is_said():
    named = ("bootstrap, 400 resamples", f"{EXACT}, two gaps added in squares", EXACT)
    certificates = [*limits(380), *(dataclasses.replace(limits(380)[0], method=method) for method in named)]
    said = Guarantee("individual", 2, 0.05).assumptions(certificates)
    assert f"Limits that hold at any number of rows: Clopper-Pearson; {EXACT}." in said
    assert f"Limits that hold approximately, for many rows: {'; '.join(named[:2])}." in said
