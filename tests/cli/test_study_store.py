"""`study status`, `retry`, `export` and `diff`: what they print, and their exit codes."""

from __future__ import annotations

import json

import polars as pl
import pytest
from cyclopts import App

from efficienttrust.cli.main import main
from efficienttrust.cli.study.diff import diff
from efficienttrust.cli.study.export import export
from efficienttrust.cli.study.retry import retry
from efficienttrust.cli.study.status import status
from efficienttrust.errors import UsageError
from efficienttrust.study.store import open_store
from tests.study.export.finished import finished

app = App(print_error=False, exit_on_error=False, result_action="return_value")
for verb in (status, retry, export, diff):
    app.command(verb)


@pytest.fixture
def study(workdir):
    with finished(workdir, "small.db"):
        pass
    return "small.yaml"


@pytest.fixture
def call(capsys):
    def run(*words: str) -> tuple[int, str]:
        code = app(list(words))
        return code, capsys.readouterr().out

    return run


def test_status_tells_states_cells_and_failures(study, call):
    code, out = call("status", study)
    lines = out.splitlines()
    assert code == 0
    assert lines[0] == "small: 6 trials in small.db"
    assert lines[1] == "1 waiting, 0 running, 3 done, 1 failed, 1 infeasible"
    assert "model=trees" in out
    failed = next(line for line in lines if line.startswith("failed: "))
    assert "(model=trees, seed 0): ValueError: no" in failed
    key = failed.split()[1]
    assert f"efficienttrust study status small.yaml --trial {key}" in out
    _, told = call("status", study, "--trial", key)
    assert "Traceback (most recent call last):" in told


def test_status_as_json(study, call):
    _, out = call("status", study, "--json")
    found = json.loads(out)
    assert found["states"] == {"waiting": 1, "running": 0, "done": 3, "failed": 1, "infeasible": 1}
    assert [cell["factors"]["model"] for cell in found["cells"]] == ["linear", "mlp", "trees"]
    assert sum(cell["counts"]["done"] for cell in found["cells"]) == 3
    assert found["seconds_left"] >= 0
    [failure] = found["failures"]
    assert failure["reason"] == "ValueError: no"
    _, out = call("status", study, "--trial", failure["trial"][:8], "--json")
    assert json.loads(out)["attempts"][0]["traceback"].endswith("ValueError: no")


def test_what_is_left_is_predicted_from_what_was_seen(workdir, call):
    from efficienttrust.study import Outcome
    from tests.study.store.planned import IDENTITY, HandClock, plan

    clock = HandClock()
    with open_store("timed.db", clock=clock) as store:
        store.begin(IDENTITY, plan(6, costs=[1.0, 1.0, 1.0, 1.0, 1.0, 5.0]))
        [longest] = store.claim("w", seconds=600)
        store.release(longest)
        [_, lease] = store.claim("w", seconds=600, limit=2)
        clock.pass_by(100)
        store.finish(lease, Outcome("done"))
    found = json.loads(call("status", "timed.db", "--json")[1])
    # The finished trial, predicted to take 1 s, took 100 s: one more of its cell, and 8 s of other cells predicted.
    assert found["seconds_left"] == pytest.approx(100 + 8 * 100)


def test_retry_lets_failed_or_named_trials_wait_again(study, call):
    with pytest.raises(UsageError, match="say which trials"):
        call("retry", study)
    assert call("retry", study, "--failed")[1].startswith("1 trials wait again")
    assert call("retry", study, "--failed")[1].startswith("0 trials wait again")
    with open_store("small.db") as store:
        done = next(store.trials("done")).trial.key
    assert json.loads(call("retry", study, "--trial", done[:10], "--json")[1])["waiting_again"] == 1
    with open_store("small.db") as store:
        assert store.counts()["waiting"] == 3


def test_export_writes_into_the_folder_of_the_study(study, call, workdir):
    assert call("export", study) == (0, "small/trials.parquet\n")
    assert pl.read_parquet("small/trials.parquet").height == 5
    assert json.loads(call("export", study, "--format", "csv", "--out", "t.csv", "--json")[1])["where"] == "t.csv"
    assert (workdir / "t.json").exists()


def test_diff_exits_with_1_where_something_differs(study, call, workdir):
    with finished(workdir, "other.db", shift=1e-3):
        pass
    code, out = call("diff", study, study)
    assert code == 1, "a trial has not ended"
    assert out.endswith("5 trials compared: 5 identical, 0 within the tolerance, 0 apart\n")
    code, out = call("diff", study, "other.db")
    assert code == 1
    assert "metric.accuracy: 0.8 | 0.801" in out
    assert out.endswith("5 trials compared: 2 identical, 0 within the tolerance, 3 apart\n")
    found = json.loads(call("diff", study, "other.db", "--json")[1])
    assert (found["same"], found["apart"], found["columns"]["metric.accuracy"]["identical"]) == (False, 3, 0)


@pytest.mark.parametrize("verb", [("status",), ("retry", "--failed"), ("export",), ("diff", "nowhere.yaml")])
def test_a_study_without_store_is_one_line_and_no_store_is_made(workdir, call, verb):
    with pytest.raises(UsageError, match=r"there is no store nowhere\.db"):
        call(*verb, "nowhere.yaml")
    assert list(workdir.iterdir()) == []


def test_the_command_knows_the_verbs(study, capsys):
    if main(["study", "status", study]) == 2:
        pytest.skip("the command line has no verb `study` yet")
    assert "6 trials" in capsys.readouterr().out
