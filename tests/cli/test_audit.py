"""`audit` on the command line: three kinds of models, JSON on stdout alone, exit codes, one-line errors."""

from __future__ import annotations

import json
from pathlib import Path

import joblib
import pytest
from sklearn.linear_model import LogisticRegression

from efficienttrust.pipeline import _audit_resources
from tests.cli.test_main import modules_after
from tests.small_problems import make_table

OPTIONS = ("--data", "loans.csv", "--label", "approved", "--sensitive", "sex", "--suite", "quick")


@pytest.fixture
def loans(workdir, monkeypatch):
    monkeypatch.setattr(_audit_resources, "SECONDS", 0.02)
    table = make_table(300)
    table.to_csv("loans.csv", index=False)
    joblib.dump(LogisticRegression().fit(table[["income", "debt"]], table["approved"]), "model.joblib")
    return workdir


def test_a_summary_whose_last_line_is_the_report(command, loans):
    result = command("audit", "model.joblib", *OPTIONS, "--trust-pickle", "--target", "dpd <= 0.9")
    assert result.code == 0, result.err
    assert result.out.splitlines()[-1] == "audits/model/report.html"
    assert Path("audits/model/report.html").exists()
    assert "demographic_parity_difference <= 0.9" in result.out
    assert "one-sided bound" in result.out
    assert "resources: " in result.out
    assert "could not be looked for); most alarms need attacks, as suite standard makes" in result.out
    assert "note: all rows of the file are measured" in result.err


def test_json_alone_on_stdout(command, loans):
    result = command(
        "audit", "model.joblib", *OPTIONS, "--trust-pickle", "--json", "--out", "a", "--target", "acc >= 0.1"
    )
    assert result.code == 2  # no such metric
    result = command(
        "audit", "model.joblib", *OPTIONS, "--trust-pickle", "--json", "--out", "a", "--target", "dpd <= 0.9"
    )
    assert result.code == 0, result.err
    printed = json.loads(result.out)
    assert printed["schema_version"] == 1
    assert set(printed["verdicts"][0]) == {"target", "status", "qualifier", "value", "low", "high", "n", "reason"}
    assert {"value", "low", "high", "n", "how"} <= set(printed["metrics"]["accuracy"])
    assert set(printed["ledger"]["time"]) == {"clock", "asked", "used", "overrun", "phases"}
    assert all(Path(path).exists() for path in printed["artifacts"].values())
    assert printed["robustness"] is None


def test_strict(command, loans):
    missed = ("audit", "model.joblib", *OPTIONS, "--trust-pickle", "--quiet", "--target", "accuracy >= 0.999")
    assert command(*missed, "--out", "a").code == 0
    assert command(*missed, "--out", "b", "--strict").code == 1


def test_quiet_says_nothing_on_stderr(command, loans):
    result = command("audit", "model.joblib", *OPTIONS, "--trust-pickle", "--quiet")
    assert result.err == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("audit",), "MODEL"),
        (("audit", "model.joblib", *OPTIONS), "--trust-pickle"),
        (("audit", "modle.joblib", *OPTIONS), "Did you mean 'model.joblib'?"),
        (("audit", "loans.csv", *OPTIONS), "is not a model that can be audited"),
        (("audit", "model.joblib"), "--data"),
        (("audit", "model.joblib", "--data", "loans.csv", "--trust-pickle"), "--label"),
        (("audit", "model.joblib", *OPTIONS, "--siute", "quick"), "Did you mean --suite?"),
        (("audit", "nosuch:build", *OPTIONS), "cannot import 'nosuch'"),
    ],
)
def test_wrong_usage_is_one_line(command, loans, arguments, says):
    result = command(*arguments, *(("--quiet",) if len(arguments) > 1 else ()))
    assert result.code == 2
    assert result.out == ""
    assert result.err.startswith("error: ")
    assert result.err.count("\n") == 1
    assert says in result.err
    assert not Path("audits").exists()


def test_a_wrong_name_is_found_before_torch_is_imported():
    run = "from efficienttrust.cli.main import main\nassert main(['audit', 'm.onnx', '--suite', 'ful']) == 2"
    assert modules_after(run) & {"torch", "sklearn", "onnxruntime", "pandas"} == set()


def test_the_verb_explains_itself(command):
    result = command("audit", "--help")
    assert result.code == 0
    assert result.out.startswith("Usage: efficienttrust audit")
    assert "--trust-pickle" in result.out
