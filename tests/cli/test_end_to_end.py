"""From the command line to files on disk and back, on real data with budgets of a few hundred steps."""

from __future__ import annotations

import json
import re
import runpy
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = {
    "model.onnx",
    "model.safetensors",
    "model.json",
    "run.json",
    "predictions.parquet",
    "history.parquet",
    "decisions.parquet",
    "report.html",
    "README.md",
}
LOANS = ("loans.csv", "--label", "approved", "--positive", "yes", "--sensitive", "sex,age_band")


@pytest.fixture
def loans(workdir, monkeypatch) -> Path:
    monkeypatch.setattr("sys.argv", ["make_loans.py", "loans.csv", "--rows", "1500"])
    runpy.run_path(str(ROOT / "examples" / "make_loans.py"), run_name="__main__")
    return workdir / "loans.csv"


def test_a_run_on_a_csv_file_and_its_verification(command, loans):
    fitted = command(
        "fit", *LOANS, "--budget", "time=120 steps, size=300kB", "--target", "dpd(by=sex) <= 0.2", "--json", "--quiet"
    )
    assert fitted.code == 0, fitted.err
    printed = json.loads(fitted.out)
    assert {path.name for path in Path("runs/loans").iterdir()} == FILES
    assert {Path(path).name for path in printed["artifacts"].values()} <= FILES
    assert all(Path(path).exists() for path in printed["artifacts"].values())
    assert printed["ledger"]["time"]["clock"] == "steps"
    assert printed["ledger"]["size"]["used"] == Path("runs/loans/model.onnx").stat().st_size

    verified = command("verify", "runs/loans", "--json")
    assert verified.code == 0, verified.err
    assert json.loads(verified.out)["verdicts"][0]["value"] == printed["verdicts"][0]["value"]
    assert "1 of 1 verdicts confirmed" in command("verify", "runs/loans").out

    record = Path("runs/loans/run.json")
    forged = json.loads(record.read_text(encoding="utf-8"))
    forged["verdicts"][0]["value"] = 0.0
    record.write_text(json.dumps(forged), encoding="utf-8")
    assert command("verify", "runs/loans").code == 1

    loans.write_text(loans.read_text(encoding="utf-8").replace(",yes", ",no", 1), encoding="utf-8")
    changed = command("verify", "runs/loans")
    assert changed.code == 2
    assert changed.err.count("\n") == 1


def test_a_spec_file_does_what_the_options_do(command, loans):
    Path("spec.yaml").write_text(
        "data: {source: loans.csv, label: approved, positive: yes, sensitive: [sex, age_band]}\n"
        "budget: {steps: 60}\ntargets: [accuracy >= 0.6]\nseed: 4\n",
        encoding="utf-8",
    )
    options = ("--budget", "steps=60", "--target", "accuracy >= 0.6", "--seed", "4")
    from_file = command("fit", "spec.yaml", "--json", "--quiet", "--out", "a")
    from_options = command("fit", *LOANS, *options, "--json", "--quiet", "--out", "b")
    assert from_file.code == from_options.code == 0, from_file.err + from_options.err
    assert json.loads(from_file.out)["verdicts"] == json.loads(from_options.out)["verdicts"]
    assert json.loads(from_file.out)["metrics"] == json.loads(from_options.out)["metrics"]


def test_the_summary_ends_with_the_report_and_a_folder_is_not_overwritten(command, workdir):
    arguments = ("fit", "german", "--budget", "time=60 steps", "--target", "accuracy >= 0.99", "--out", "runs/x")
    first = command(*arguments, "--strict")
    assert first.code == 1, first.err
    assert first.out.splitlines()[-1] == "runs/x/report.html"
    assert "missed" in first.out
    again = command(*arguments)
    assert again.code == 2
    assert "--overwrite" in again.err
    assert command(*arguments, "--overwrite").code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["nosuch.csv", "--label", "y"], 2, "nosuch.csv"),
        (["adlt"], 2, "Did you mean 'adult'?"),
        (["german", "--label", "credt"], 2, "Did you mean 'credit'?"),
        (["german", "--sensitive", "sexx"], 2, "Did you mean 'sex'?"),
        (["german", "--trainer", "tree"], 2, "Did you mean 'trees'?"),
        (["german", "--target", "dpd(by=race) <= 0.1"], 2, "race"),
        (["german", "--target", "accuracy >= 1.2"], 2, "1.2"),
        (["german", "--target", "robust_accuracy(pdg, eps=0.1) >= 0.5"], 2, "Did you mean 'pgd'?"),
        (["german", "--budget", "time=2ms"], 3, "are used already"),
        (["german", "--budget", "steps=50, size=1kB"], 3, "size"),
        (["german", "--out", "file/below"], 2, "file"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(command, workdir, arguments, code, says):
    Path("file").write_text("", encoding="utf-8")
    budget = [] if "--budget" in arguments else ["--budget", "steps=50"]
    result = command("fit", *arguments, *budget, "--quiet")
    assert result.code == code
    assert result.out == ""
    assert result.err.startswith("error: ")
    assert result.err.count("\n") == 1
    assert says in result.err


def test_an_interrupted_run_is_saved_and_continued(command, workdir):
    program = [sys.executable, "-c", "from efficienttrust.cli.main import run; run()"]
    arguments = ["fit", "german", "--budget", "time=2500 steps", "--target", "dpd <= 0.1", "--out", "runs/x"]
    with subprocess.Popen([*program, *arguments], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if re.search(r"train \| step [1-9]", line):
                break
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert process.returncode == 130
    assert "Ctrl-C again" in said
    assert said.splitlines()[-1].startswith("error: interrupted after")
    assert not Path("runs/x").exists()

    finished = command(*arguments)
    assert finished.code == 0, finished.err
    assert finished.out.splitlines()[-1] == "runs/x/report.html"
    assert [path.name for path in Path("runs").iterdir()] == ["x"]


def test_data_list_and_show(command, loans):
    listed = command("data", "list")
    assert listed.code == 0
    for name in ("adult", "compas", "german"):
        assert name in listed.out
    printed = json.loads(command("data", "list", "--json").out)["data"]
    assert {one["name"] for one in printed if one["availability"] == "bundled"} == {"adult", "compas", "german"}

    shown = command("data", "show", "german")
    assert shown.code == 0
    for word in ("1000 rows", "Female", "base rate", "Licence", "Origin"):
        assert word in shown.out
    problem = json.loads(command("data", "show", *LOANS, "--json").out)["problem"]
    assert problem["rows"] == 1500
    assert {"sex", "age_band", "sex & age_band"} == {row["attribute"] for row in problem["groups"]}


def test_doctor(command):
    shown = command("doctor")
    assert shown.code == 0
    for word in ("torch", "cores", "memory", "gpu", "cpu clock"):
        assert word in shown.out
    printed = json.loads(command("doctor", "--json").out)
    assert {"name", "status", "text"} == set(printed["checks"][0])
    assert printed["environment"]["cores"] >= 1


def test_verify_of_a_run_without_targets_says_what_matched(command, tmp_path):
    out = tmp_path / "plain"
    assert command("fit", "german", "--budget", "time=5 steps", "--out", out).code == 0
    verified = command("verify", out)
    assert verified.code == 0
    assert "no target was set: the data are those of the run" in verified.out
    assert "0 of 0" not in verified.out
