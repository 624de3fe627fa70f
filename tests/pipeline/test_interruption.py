"""A run that was interrupted or killed is completed by the same call, as if nothing had happened."""

from __future__ import annotations

import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from efficienttrust import fit, load_run
from efficienttrust.errors import RunInterrupted, UsageError
from efficienttrust.pipeline import request_stop
from tests.small_problems import FAIR, ROBUST, german, loans

ASKED = {"budget": "time=300 steps", "targets": [FAIR, ROBUST], "seed": 3}
CLOCKS = ["wall", "cpu"]

SLOW_RUN = """
import sys, time
from efficienttrust import fit, load_problem
def tell(event):
    print(event.phase, event.step, flush=True)
    time.sleep(0.1)
fit(load_problem("german", sensitive="sex"), budget="time=300 steps",
    targets=["dpd <= 0.1", "robust_accuracy(pgd, eps=0.2) >= 0.7"], seed=3, out=sys.argv[1], progress=tell)
"""


def same(one, other) -> None:
    assert one.content == other.content
    pd.testing.assert_frame_equal(one.predictions, other.predictions)
    pd.testing.assert_frame_equal(one.decisions, other.decisions)
    pd.testing.assert_frame_equal(one.history.drop(columns=CLOCKS), other.history.drop(columns=CLOCKS))
    assert one.ledger["time"]["used"] == other.ledger["time"]["used"]


def stop_at(phase: str, count: int):
    seen = 0

    def tell(event) -> None:
        nonlocal seen
        seen += event.phase == phase and bool(event.metrics or phase != "train")
        if seen == count:
            request_stop()

    return tell


@pytest.mark.parametrize("look", [1, 9])
def test_a_stopped_run_is_completed_by_the_same_call(tmp_path, look):
    out = tmp_path / "runs" / "x"
    with pytest.raises(RunInterrupted, match="run the same command again to go on"):
        fit(german(), **ASKED, out=out, progress=stop_at("train", look))
    assert not out.exists()
    working = out.with_name("x.partial")
    assert [path.name for path in working.iterdir()] == ["checkpoint.pt"]
    completed = fit(german(), **ASKED, out=out)
    assert not working.exists()
    same(completed, fit(german(), **ASKED))
    assert load_run(out).content == completed.content
    assert not (out / "checkpoint.pt").exists()


def test_other_settings_do_not_take_over_a_checkpoint(tmp_path):
    with pytest.raises(RunInterrupted):
        fit(german(), **ASKED, out=tmp_path / "x", progress=stop_at("train", 2))
    for changed in ({"seed": 4}, {"policy": "pid"}, {"targets": [FAIR]}, {"budget": "time=200 steps"}):
        with pytest.raises(UsageError, match="other data or settings"):
            fit(german(), **{**ASKED, **changed}, out=tmp_path / "x")
    with pytest.raises(UsageError, match="other data or settings"):
        fit(loans(), **ASKED, out=tmp_path / "x")
    assert fit(german(), **ASKED, out=tmp_path / "x").verdicts


def test_a_stop_after_training_lets_the_run_finish():
    run = fit(german(), budget="time=40 steps", targets=[], progress=stop_at("calibrate", 1))
    assert np.isfinite(run.metrics["accuracy"]["value"])


def test_an_earlier_stop_is_forgotten():
    request_stop()
    assert fit(german(), budget="time=30 steps", targets=[]).content


def test_without_a_folder_a_stop_keeps_nothing():
    with pytest.raises(RunInterrupted) as stopped:
        fit(german(), **ASKED, progress=stop_at("train", 1))
    assert "again" not in str(stopped.value)


def test_trees_stop_too(tmp_path):
    with pytest.raises(RunInterrupted, match="trees keep no checkpoint"):
        fit(german(), **ASKED, trainer="trees", out=tmp_path / "x", progress=stop_at("train", 2))
    assert list(tmp_path.iterdir()) == []


def test_a_progress_callback_that_fails_costs_nothing_but_the_run(tmp_path):
    def fail(event) -> None:
        if event.step > 100:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fit(german(), **ASKED, out=tmp_path / "x", progress=fail)
    same(fit(german(), **ASKED, out=tmp_path / "x"), fit(german(), **ASKED))


def test_a_killed_process_is_completed_by_the_same_call(tmp_path):
    out = tmp_path / "x"
    with subprocess.Popen([sys.executable, "-c", SLOW_RUN, str(out)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            phase, step = line.split()
            assert phase in ("limits", "train"), "killed too late"
            if int(step) > 120:
                process.send_signal(signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL
    assert not out.exists()
    assert "checkpoint.pt" in [path.name for path in out.with_name("x.partial").iterdir()]
    told = []
    completed = fit(german(), **ASKED, out=out, progress=told.append)
    assert min(event.step for event in told if event.metrics) > 100, "it went on where it was"
    same(completed, fit(german(), **ASKED))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x"]
