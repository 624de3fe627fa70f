"""Two stores are compared trial by trial: bit for bit, and within a tolerance."""

from __future__ import annotations

import dataclasses
import math

import pytest

from efficienttrust.study import Outcome
from efficienttrust.study.export import compare
from efficienttrust.study.store import open_store
from tests.study.export.finished import STUDY, finished, outcome_of
from tests.study.store.planned import plan


def test_the_same_study_run_twice_is_the_same(tmp_path):
    with finished(tmp_path, "a.db", count=6) as a, finished(tmp_path, "b.db", count=6) as b:
        found = compare(a, b)
    assert found.same
    assert (found.compared, found.study, found.trials) == (6, (), ())
    assert found.columns["metric.accuracy"].identical == 4
    assert found.columns["metric.robust_accuracy(pgd, eps=0.25)"].identical == 4, "NaN is the same as NaN"


@pytest.mark.parametrize(("shift", "apart"), [(1e-9, 0), (1e-3, 4)])
def test_figures_differ_by_bits_and_by_more_than_the_tolerance(tmp_path, shift, apart):
    with finished(tmp_path, "a.db", count=6) as a, finished(tmp_path, "b.db", count=6, shift=shift) as b:
        found = compare(a, b)
    assert not found.same
    assert (len(found.trials), found.apart) == (4, apart)
    column = found.columns["metric.accuracy"]
    assert (column.compared, column.identical, column.close) == (4, 0, 4 - apart)
    assert column.largest == pytest.approx(shift, rel=1e-6)
    assert column.mean == pytest.approx(shift, rel=1e-6)
    assert {line.partition(":")[0] for one in found.trials for line in one.what} == {"metric.accuracy"}


def test_seconds_and_circumstances_are_summed_up_but_make_no_trial_differ(tmp_path):
    with open_store(tmp_path / "a.db") as a, open_store(tmp_path / "b.db") as b:
        for store, seconds in ((a, 1.0), (b, 2.0)):
            store.begin(STUDY, plan(1))
            [lease] = store.claim("w", seconds=60)
            store.finish(lease, Outcome("done", {"cost.time_wall": seconds, "run.load": seconds, "cost.steps": 3.0}))
        found = compare(a, b)
    assert found.same
    assert found.columns["cost.time_wall"].mean == 1.0


def test_other_states_and_missing_trials_are_told(tmp_path):
    with finished(tmp_path, "a.db", count=6) as a, open_store(tmp_path / "b.db") as b:
        smaller = dataclasses.replace(STUDY, data={"bundled:adult": "e" * 64})
        trials = [one.trial for one in a.trials()]
        extra = plan(7)[6]
        b.begin(smaller, [*trials[1:], extra])
        leases = b.claim("w", seconds=60, limit=4)
        for number, lease in enumerate(leases, start=1):
            b.finish(lease, Outcome("failed", reason="no memory") if number == 1 else outcome_of(number))
        found = compare(a, b)
    assert found.study == ("data of bundled:adult: dddddddddddd is now eeeeeeeeeeee",)
    assert (found.only_first, found.only_second) == ((trials[0].key,), (extra.key,))
    assert (found.unfinished, found.compared) == (1, 4)
    [one] = found.trials
    assert "state: done | failed" in one.what
    assert (one.key, found.apart) == (trials[1].key, 1)


def test_trials_under_other_code_are_compared_by_their_settings(tmp_path):
    with open_store(tmp_path / "a.db") as a, open_store(tmp_path / "b.db") as b:
        for store, code in ((a, "c" * 64), (b, "f" * 64)):
            store.begin(dataclasses.replace(STUDY, code={"training": code}), plan(2, code=code))
            for lease in store.claim("w", seconds=60, limit=2):
                store.finish(lease, Outcome("done", {"metric.x": math.inf}))
        found = compare(a, b)
    assert (found.compared, found.other_keys, found.same) == (2, 2, True)
    assert math.isnan(found.columns["metric.x"].largest)
