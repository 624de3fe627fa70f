"""The driver runs each trial once, some of them alone, and writes nothing under a lease that it lost."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from efficienttrust.errors import UsageError
from efficienttrust.study import Outcome
from efficienttrust.study.running import ExecutorOptions, _drive, _host, executors, run_study
from efficienttrust.study.store import open_store
from tests.study.running.fakes import FakeExecutor
from tests.study.running.planned import Plan, of_stand_ins
from tests.study.running.stand_in import notes, trial
from tests.study.store.planned import HandClock


@pytest.fixture(autouse=True)
def _own_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Share no lock with studies that run on this machine."""
    monkeypatch.setattr(_drive, "HostLock", lambda: _host.HostLock(tmp_path))
    monkeypatch.setattr(_drive, "IDLE", 0.01)


def test_a_second_run_does_nothing(tmp_path):
    with open_store(tmp_path / "study.db") as store:
        first = run_study(of_stand_ins(5), store, FakeExecutor(2))
        again = FakeExecutor(2)
        second = run_study(of_stand_ins(5), store, again)
    assert (first.ended, second.ended) == ({"done": 5}, {})
    assert again.together == [], "nothing was run"
    assert first.counts == second.counts


def test_a_study_without_trials_is_over(tmp_path):
    with open_store(tmp_path / "study.db") as store:
        driven = run_study(Plan([]), store, FakeExecutor(2))
    assert sum(driven.counts.values()) == 0
    assert not driven.interrupted


def test_a_limit_leaves_the_rest_for_later(tmp_path):
    with open_store(tmp_path / "study.db") as store:
        driven = run_study(of_stand_ins(5), store, FakeExecutor(4), limit=3)
        assert (driven.ended, driven.counts["waiting"]) == ({"done": 3}, 2)
        assert run_study(of_stand_ins(5), store, FakeExecutor(4)).ended == {"done": 2}


def test_no_more_run_than_there_are_slots_and_exclusive_ones_alone(tmp_path):
    plan = Plan([trial("work", seed, exclusive=seed % 2 == 0) for seed in range(10)])
    with open_store(tmp_path / "study.db") as store:
        executor = FakeExecutor(3)
        assert run_study(plan, store, executor).ended == {"done": 10}
    assert executor.together == [3, 2, 1, 1, 1, 1, 1]


def test_an_exclusive_trial_waits_for_what_another_driver_runs(tmp_path):
    other = _host.HostLock(tmp_path)
    assert other.share()
    freed = []

    def free(progress):
        if not freed:
            assert progress.counts["done"] == 0
            freed.append(other.free())

    with open_store(tmp_path / "study.db") as store, other:
        assert run_study(Plan([trial("work", exclusive=True)]), store, FakeExecutor(1), tell=free).ended == {"done": 1}
    assert freed


def test_a_result_that_comes_after_the_lease_is_fenced(tmp_path):
    theirs = Outcome("done", {"metric.x": 7.0})

    def meanwhile():
        time.sleep(0.02)
        with open_store(tmp_path / "study.db") as thief:
            thief.begin(of_stand_ins(1).identity(), of_stand_ins(1).trials())
            [lease] = thief.claim("thief", seconds=60)
            assert thief.finish(lease, theirs)

    with open_store(tmp_path / "study.db") as store:
        driven = run_study(of_stand_ins(1), store, FakeExecutor(1, meanwhile), seconds=0.01)
        [kept] = store.trials("done")
    assert (driven.ended, driven.fenced) == ({}, 1)
    assert kept.outcome.figures == theirs.figures


def test_a_trial_whose_lease_is_lost_is_stopped(tmp_path):
    def meanwhile():
        time.sleep(0.02)
        with open_store(tmp_path / "study.db") as thief:
            thief.begin(of_stand_ins(1).identity(), of_stand_ins(1).trials())
            [lease] = thief.claim("thief", seconds=60)
            thief.finish(lease, Outcome("done"))
        return True

    executor = FakeExecutor(1, meanwhile)
    with open_store(tmp_path / "study.db") as store:
        driven = run_study(of_stand_ins(1), store, executor, seconds=0.01)
    assert (driven.ended, driven.fenced, len(executor.cancelled)) == ({}, 1, 1)


def test_trials_that_cannot_be_started_wait_again(tmp_path):
    class Broken(FakeExecutor):
        def submit(self, name, settings, *, exclusive=False):
            if self.running:
                raise OSError(24, "Too many open files")
            super().submit(name, settings)

    executor = Broken(3)
    with open_store(tmp_path / "study.db") as store:
        with pytest.raises(OSError, match="Too many open files"):
            run_study(of_stand_ins(3), store, executor)
        assert store.counts()["waiting"] == 3
        assert not any(store.attempts(one.trial.key) for one in store.trials()), "none counts as an attempt"
    assert len(executor.cancelled) == 1


@pytest.mark.parametrize("boot", ["boot 1", ""])
def test_a_clock_that_is_set_back_costs_nothing(tmp_path, boot):
    clock = HandClock(boot=boot)

    def set_back():
        clock.wall -= 3600.0

    with open_store(tmp_path / "study.db", clock=clock) as store:
        driven = run_study(of_stand_ins(6), store, FakeExecutor(2, set_back))
        assert (driven.ended, driven.fenced) == ({"done": 6}, 0)
        assert all(len(store.attempts(one.trial.key)) == 1 for one in store.trials())


def test_a_store_that_can_only_be_read_is_refused_in_one_line(tmp_path):
    with open_store(tmp_path / "study.db") as store:
        run_study(of_stand_ins(2), store, FakeExecutor(1), limit=1)
    executor = FakeExecutor(1)
    with (
        open_store(tmp_path / "study.db", read_only=True) as store,
        pytest.raises(UsageError, match="read") as caught,
    ):
        run_study(of_stand_ins(2), store, executor)
    assert "\n" not in str(caught.value)
    assert executor.together == []


@pytest.mark.usefixtures("light")
def test_a_trial_whose_process_is_killed_is_begun_again_and_written_once(tmp_path):
    file = tmp_path / "notes"
    plan = Plan([trial("be killed once", 3, notes=str(file)), trial("be killed", 4)])
    with (
        open_store(tmp_path / "study.db") as store,
        executors.get("local")(ExecutorOptions(workers=1)) as executor,
    ):
        driven = run_study(plan, store, executor)
        [failed] = store.trials("failed")
        [done] = store.trials("done")
        assert len(store.attempts(done.trial.key)) == 1
    assert driven.ended == {"done": 1, "failed": 1}
    assert [what for _, what, _, _ in notes(file)] == ["begun", "begun", "ended"]
    assert failed.outcome.reason.startswith(f"lost {_drive.BEGINNINGS} times: its process was killed by somebody else")
