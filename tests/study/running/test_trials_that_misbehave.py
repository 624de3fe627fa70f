"""Whatever a trial does, it costs that trial alone: it becomes a row, and nothing of it stays."""

from __future__ import annotations

import os
import signal

import pytest

from efficienttrust.study.running import Ended, ExecutorOptions, Limits, executors
from efficienttrust.study.running.executors import _process
from tests.study.running.stand_in import LONG, all_dead, lives, notes, trial

pytestmark = pytest.mark.usefixtures("light")


def ended(does: str, limits: Limits | None = None, **settings: object) -> Ended:
    with executors.get("local")(ExecutorOptions(workers=1, limits=limits or Limits())) as executor:
        executor.submit("one", trial(does, **settings).settings)
        [one] = executor.wait(LONG / 2)
    return one


def test_one_that_hangs_in_c_is_killed_and_says_where_it_hung():
    one = ended("hang in C", Limits(seconds=4.0))
    assert one.outcome.status == "failed"
    assert one.outcome.reason == "it was killed after 4 s, the limit of a trial"
    assert "stand_in.py" in one.outcome.traceback
    assert "_hangs_in_c" in one.outcome.traceback


@pytest.mark.parametrize("takes", [0.0, LONG])
def test_children_that_outlive_it_are_killed(tmp_path, takes):
    file = tmp_path / "notes"
    one = ended("leave children", Limits(seconds=2.0), notes=str(file), takes=takes)
    assert one.outcome.status == ("failed" if takes else "done")
    children = [pid for _, what, _, pid in notes(file) if what == "child"]
    assert len(children) == 3
    assert all_dead(children)


def test_one_whose_child_eats_memory_is_killed_with_it(tmp_path):
    file = tmp_path / "notes"
    one = ended("eat memory", Limits(memory=200e6), notes=str(file))
    assert one.outcome.status == "failed"
    assert one.outcome.reason.endswith("MB; the limit of a trial is 200 MB")
    assert 200 < float(one.outcome.reason.split("killed at ")[1].split(" MB")[0]) < 460
    assert all_dead([notes(file)[0][3]])


def test_one_that_exits_leaves_its_last_words():
    one = ended("exit")
    assert (one.outcome.status, one.outcome.reason) == ("failed", "its process ended with exit code 3 and no result")
    assert one.outcome.traceback == "these were its last words\n"


def test_one_that_quits_says_why():
    one = ended("quit")
    assert (one.outcome.status, one.outcome.reason) == ("failed", "its process ended with exit code 1 and no result")
    assert one.outcome.traceback == "enough\n"


def test_one_that_crashes_says_where():
    one = ended("crash")
    assert one.outcome.status == "failed"
    assert one.outcome.reason == f"its process was ended by signal {signal.SIGSEGV:d}, Segmentation fault"
    assert "Segmentation fault" in one.outcome.traceback
    assert "_crashes" in one.outcome.traceback


def test_one_that_somebody_kills_is_lost():
    one = ended("be killed")
    assert one.outcome is None
    assert "killed by somebody else" in one.reason


def test_all_ends_with_the_guardian(tmp_path):
    from multiprocessing.forkserver import _forkserver

    file = tmp_path / "notes"
    with executors.get("local")(ExecutorOptions(workers=1)) as executor:
        executor.submit("one", trial("work", notes=str(file), takes=LONG).settings)
        while not notes(file):
            assert not executor.wait(0.05)
        os.kill(_forkserver._forkserver_pid, signal.SIGKILL)
        [lost] = executor.wait(LONG / 2)
        assert lost.outcome is None
        assert all_dead([notes(file)[0][3]])
        executor.submit("two", trial("work").settings)
        [one] = executor.wait(LONG / 2)
    assert one.outcome.status == "done", "another server was started"


def test_one_that_prints_much_fills_no_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(_process, "LOOK_SECONDS", 0.0)
    most = 0
    with executors.get("local")(ExecutorOptions(workers=1)) as executor:
        executor.submit("one", trial("print", takes=0.05).settings)
        while not (over := executor.wait(0.1)):
            most = max([most, *(one.stat().st_size for one in executor._folder.path.iterdir())])
    assert over[0].outcome.status == "done"
    assert len(over[0].outcome.details["long"]) == 3_000_000, "more than a pipe holds"
    assert 0 < most < 2 * _process.LOG_BYTES


def test_a_cancelled_one_is_gone_when_the_call_returns(tmp_path):
    file = tmp_path / "notes"
    with executors.get("local")(ExecutorOptions(workers=1)) as executor:
        executor.submit("one", trial("work", notes=str(file), takes=LONG).settings)
        while not notes(file):
            assert not executor.wait(0.05)
        executor.cancel("one")
        assert not lives(notes(file)[0][3])
        assert executor.wait(0.05) == []
        executor.submit("two", trial("work").settings)
        assert executor.wait(LONG)[0].outcome.status == "done"
