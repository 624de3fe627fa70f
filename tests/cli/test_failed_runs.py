"""A run that broke a hard limit ends with 1 and says the figure, whatever its verdicts are."""

from __future__ import annotations

import json

import pytest

from efficienttrust.cli.main import main

BUDGET = ("--budget", "time=60 steps")
LINE = "memory: peak 1.07 GB where 1 GB was asked (of this process since it began; phase: train)"


@pytest.fixture
def hungry(monkeypatch):
    """A fit that held too much, as far as anybody can tell."""
    monkeypatch.setattr("efficienttrust.pipeline._deliver.check_memory", lambda *given: (LINE,))


def test_fit_ends_with_1_and_the_folder_says_so(hungry, tmp_path, capsys):
    out = tmp_path / "run"
    assert main(["fit", "german", "--sensitive", "sex", *BUDGET, "--out", str(out), "--quiet"]) == 1
    said = capsys.readouterr()
    assert said.err.splitlines()[-1] == f"error: the run failed: {LINE}"
    assert json.loads((out / "run.json").read_text())["failed"] == [LINE]
    page = (out / "report.html").read_text()
    assert "This run failed." in page
    assert "peak 1.07" in page
    main(["verify", str(out)])
    assert LINE in capsys.readouterr().err


def test_a_run_within_its_limits_is_no_failed_one(tmp_path, capsys):
    out = tmp_path / "run"
    assert main(["fit", "german", "--sensitive", "sex", *BUDGET, "--out", str(out), "--quiet", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["failed"] == []
    assert "This run failed." not in (out / "report.html").read_text()
