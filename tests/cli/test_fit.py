"""The verb `fit`: options reach the pipeline, stdout holds a summary or one JSON document, Ctrl-C is heard."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from efficienttrust.training import Settings
from tests.cli.conftest import document, verdict

BUDGET = ("--budget", "time=20s cpu, size=300kB")


def test_options_reach_the_data_and_the_run(command, fake, workdir):
    result = command(
        *("fit", "loans.csv", "--label", "approved", "--positive", "-1", "--sensitive", "sex,age_band", "--drop", "id"),
        *(
            "--immutable",
            "age",
            "--immutable",
            "region",
            "--relation",
            "income >= loan",
            "--relation",
            "a <= 2*b",
            "--limitation",
            "fewer_rows(0.50)",
            "--limitation",
            "label_noise(0.1, by=sex, group=Female)",
            "--unit",
            "person",
            "--weight",
            "w",
            "--seed",
            3,
        ),
        *("--budget", "time=20s cpu", "--target", "dpd <= 0.05", "--target", "accuracy >= 0.8", "--policy", "pid"),
        *("--trainer", "trees", "--out", "runs/x", "--overwrite", "--use-groups-at-prediction"),
    )
    assert result.code == 0, result.err
    assert fake.load == {
        "source": "loans.csv",
        "label": "approved",
        "positive": "-1",
        "sensitive": "sex,age_band",
        "weight": "w",
        "split_column": None,
        "unit": "person",
        "time": None,
        "task": None,
        "immutable": "age,region",
        "relations": ("income >= loan", "a <= 2*b"),
        "drop": "id",
        "use_sensitive_as_input": False,
        "limit": None,
        "resolution": None,
        "limitations": ("fewer_rows(0.5)", "label_noise(0.1, by=sex, group=Female)"),
        "seed": 3,
    }
    assert fake.fit.pop("progress") is not None
    assert fake.fit == {
        "budget": "time=20s cpu",
        "targets": ("dpd <= 0.05", "accuracy >= 0.8"),
        "policy": "pid",
        "trainer": "trees",
        "model": None,
        "settings": Settings(),
        "seed": 3,
        "out": Path("runs/x"),
        "overwrite": True,
        "constraints": None,
        "show_small_cells": False,
        "force": False,
        "use_groups_at_prediction": True,
    }


def test_the_last_line_is_the_path_of_the_report(command, fake):
    result = command("fit", "adult", *BUDGET)
    assert result.code == 0
    assert fake.fit["out"] == Path("runs/loans")
    assert result.out.splitlines()[-1] == "runs/loans/report.html"
    assert "demographic_parity_difference <= 0.05" in result.out
    assert "met" in result.out
    assert "time (seconds, cpu clock): 19.5 of 20" in result.out


def test_json_is_the_only_thing_on_stdout(command, fake):
    result = command("fit", "adult", *BUDGET, "--json", "--out", "runs/a")
    printed = json.loads(result.out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert printed["schema_version"] == 1
    assert printed["verdicts"][0].items() >= {"target": verdict()["target"], "status": "met", "n": 200}.items()
    assert printed["metrics"]["auc"]["value"] is None
    assert printed["ledger"]["time"]["phases"] == {"train": 19.5}
    assert set(printed["ledger"]) == {"time", "size"}
    assert all(set(entry) == {"clock", "asked", "used", "overrun", "phases"} for entry in printed["ledger"].values())
    assert printed["artifacts"] == {"model": "runs/a/model.onnx", "report": "runs/a/report.html"}


@pytest.mark.parametrize(
    ("status", "strict", "code"),
    [("met", True, 0), ("certified", True, 0), ("missed", True, 1), ("infeasible", True, 1), ("missed", False, 0)],
)
def test_strict_turns_a_missed_target_into_exit_code_1(command, fake, status, strict, code):
    fake.document = document(verdict(), verdict("accuracy >= 0.9", status))
    assert command("fit", "adult", *BUDGET, *(["--strict"] if strict else [])).code == code


def test_the_first_interrupt_asks_to_stop_and_the_second_stops(command, fake, monkeypatch):
    asked = []
    monkeypatch.setattr("efficienttrust.pipeline.request_stop", lambda: asked.append(True))
    before = signal.getsignal(signal.SIGINT)

    def interrupted_once(_arguments):
        os.kill(os.getpid(), signal.SIGINT)

    fake.during = interrupted_once
    result = command("fit", "adult", *BUDGET)
    assert asked == [True]
    assert result.code == 0  # the pipeline decides how to stop; here it went on
    assert "Ctrl-C again" in result.err
    assert signal.getsignal(signal.SIGINT) is before

    def interrupted_twice(_arguments):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    fake.during = interrupted_twice
    assert command("fit", "adult", *BUDGET).code == 130
    assert signal.getsignal(signal.SIGINT) is before


def test_notes_on_the_data_go_to_stderr(command, fake):
    result = command("fit", "adult", *BUDGET)
    assert "note: 12 rows dropped" in result.err
    assert "12 rows dropped" not in result.out


def test_quiet_prints_nothing_on_stderr(command, fake):
    result = command("fit", "adult", *BUDGET, "--quiet")
    assert result.err == ""
    assert fake.fit["progress"] is None
