"""`study run`: what it prints, what it answers, and what it refuses; its trials are stand-ins."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from efficienttrust.cli.main import main
from efficienttrust.study.running import _drive, _host
from efficienttrust.study.running.executors import _process
from tests.study.running import stand_in
from tests.study.running.planned import STUDY

pytestmark = pytest.mark.usefixtures("light")


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The file of a study of eight trials."""
    monkeypatch.setattr(_drive, "HostLock", lambda: _host.HostLock(tmp_path))
    file = tmp_path / "small.yaml"
    file.write_text(STUDY)
    return str(file)


def test_it_tells_of_each_trial_and_goes_on_where_it_stopped(small, capsys):
    assert main(["study", "run", small, "--workers", "2", "--limit", "3"]) == 0
    said = capsys.readouterr()
    assert said.out == "5 waiting, 3 done\n"
    told = [line for line in said.err.splitlines() if line.startswith("done: data=german, model=mlp, ")]
    assert len(set(told)) == 3
    assert "\x1b" not in said.err

    assert main(["study", "run", small, "--workers", "2", "--json", "--quiet"]) == 0
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert document["ended"] == {"done": 5}
    assert (document["counts"]["done"], document["failures"], document["interrupted"]) == (8, {}, False)
    assert said.err == ""

    assert main(["study", "run", small]) == 0
    assert capsys.readouterr().out == "8 done\n"


def test_failures_are_told_and_answered_with_1(small, capsys, monkeypatch):
    monkeypatch.setattr(_process, "run_trial", stand_in.run_and_exit)
    assert main(["study", "run", small, "--workers", "2"]) == 1
    said = capsys.readouterr()
    reason = "its process ended with exit code 3 and no result"
    assert said.out == f"8 failed\n  8 failed: {reason}\n"
    assert sum(line.startswith("failed: ") and line.endswith(reason) for line in said.err.splitlines()) == 8


def test_a_terminal_sees_a_live_view(small, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert main(["study", "run", small, "--workers", "2", "--limit", "2"]) == 0
    said = capsys.readouterr()
    assert "2 of 8 trials" in said.err
    assert "done: " not in said.err


def test_a_study_that_changed_is_refused_until_the_change_is_accepted(small, capsys):
    assert main(["study", "run", small, "--limit", "2", "--quiet"]) == 0
    Path(small).write_text(STUDY.replace("seeds: 2", "seeds: 3"))
    capsys.readouterr()
    assert main(["study", "run", small, "--quiet"]) == 2
    said = capsys.readouterr().err
    assert "seeds: 3" in said
    assert "--accept-change" in said
    assert main(["study", "run", small, "--quiet", "--accept-change"]) == 0
    assert capsys.readouterr().out == "12 done\n"


def test_the_store_of_another_study_is_refused(small, tmp_path, capsys):
    assert main(["study", "run", small, "--limit", "1", "--quiet"]) == 0
    other = tmp_path / "other.yaml"
    other.write_text(STUDY.replace("name: small", "name: other"))
    assert main(["study", "run", str(other), "--store", str(tmp_path / "small.db"), "--quiet"]) == 2
    assert "small" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [("--workers", "0", "--workers 0"), ("--limit", "0", "--limit 0"), ("--executor", "locl", "local")],
)
def test_wrong_options_are_refused_in_one_line(small, capsys, option, value, said):
    assert main(["study", "run", small, option, value]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_its_help_says_the_exit_codes(capsys):
    assert main(["study", "run", "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Exit codes: 0" in said
    assert "130 interrupted" in said
