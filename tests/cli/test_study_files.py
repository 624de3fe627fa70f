"""`study init`, `validate` and `plan`: what they print, and their exit codes."""

from __future__ import annotations

import json

import pytest

from efficienttrust.cli.main import main
from efficienttrust.study.presets import preset_text


@pytest.fixture
def small(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["study", "init", "tabular-small", "small.yaml"]) == 0
    assert capsys.readouterr().out == "small.yaml\n"
    return tmp_path / "small.yaml"


def test_init_writes_the_preset_and_overwrites_nothing_unasked(small, capsys):
    assert small.read_text() == preset_text("tabular-small")
    small.write_text("mine")
    assert main(["study", "init", "tabular-small", "small.yaml"]) == 2
    assert "small.yaml exists already; add --overwrite" in capsys.readouterr().err
    assert small.read_text() == "mine"
    assert main(["study", "init", "tabular-small", "small.yaml", "--overwrite", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"schema_version": 1, "preset": "tabular-small", "file": "small.yaml"}
    assert [one.name for one in small.parent.iterdir()] == ["small.yaml"]


def test_an_unknown_preset(small, capsys):
    assert main(["study", "init", "tabular-smal", "other.yaml"]) == 2
    assert "Did you mean 'tabular-small'?" in capsys.readouterr().err
    assert not (small.parent / "other.yaml").exists()


def test_validate(small, capsys):
    assert main(["study", "validate", "small.yaml"]) == 0
    assert capsys.readouterr().out == "small.yaml: 108 trials, 4 hypotheses, no faults\n"
    assert main(["study", "validate", "small.yaml", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["study"], found["trials"], len(found["declared_hash"])) == ("tabular-small", 108, 64)


@pytest.mark.parametrize("verb", ["validate", "plan"])
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "error: study.yaml:1: give a mapping with the keys name, question"),
        (b"\xff\xfe", "error: study.yaml: not a text file in UTF-8"),
        (b"name: a\nname: b\n", "error: study.yaml:2: not valid YAML: found duplicate key"),
        (b"name:\ta\n\tb: c\n", "error: study.yaml:1: not valid YAML"),
        (b"name: a b\n", "error: study.yaml:1: data: missing; give data sets"),
        (None, "error: study.yaml: no such file; give a .yaml file that states name, question"),
    ],
)
def test_bad_files(tmp_path, monkeypatch, capsys, verb, content, says):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / "study.yaml").write_bytes(content)
    assert main(["study", verb, "study.yaml"]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(says)
    assert "Traceback" not in printed.err
    assert printed.out == ""


def test_plan(small, capsys):
    assert main(["study", "plan", "small.yaml"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("36 cells × 3 seeds = 108 trials, of which 0 run alone\n108 new\n")
    assert "times are not known before a trial of each class has run: add --pilot" in printed
    assert main(["study", "plan", "small.yaml", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["trials"], found["states"]["new"], found["unknown"]) == (108, 108, 108)
    assert found["power"][0]["power"] is None, "what is not known is null"
    assert [one["hypothesis"] for one in found["power"]] == ["H1", "H2", "H3", "H4"]
    assert not small.with_suffix(".db").exists(), "planning writes nothing"
