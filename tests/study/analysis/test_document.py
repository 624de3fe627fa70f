"""The document survives its file, does not depend on the order of rows, and the command writes it."""

from __future__ import annotations

import dataclasses
import json

import pytest

from efficienttrust.errors import UsageError
from efficienttrust.study.analysis import Options, analyse, analyse_table, read_analysis, write_analysis
from efficienttrust.study.analysis._sections import sections
from efficienttrust.study.analysis._table import table_of
from tests.study.analysis.conftest import CENSORED
from tests.study.synthetic import design_of, frame_of, metadata_of, write

SMALL = dataclasses.replace(CENSORED, infeasible={}, failing=0.0)


def test_there_and_back(whole, tmp_path):
    write_analysis(whole, tmp_path / "out" / "analysis.json")
    again = read_analysis(tmp_path / "out" / "analysis.json")
    assert again.as_plain() == whole.as_plain()
    assert type(again) is type(whole)
    assert again.design == whole.design
    assert again.effects.pooled[0] == whole.effects.pooled[0]
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["analysis.json"]


def test_the_file_is_strict_json(whole):
    json.dumps(whole.as_plain(), allow_nan=False)


def test_every_section_is_there_and_says_how_it_was_made(whole):
    assert set(whole.sections()) == set(sections.names())
    for name, part in whole.sections().items():
        assert part.title
        assert part.method or name == "overview"


def test_the_order_of_rows_changes_nothing(whole):
    design = design_of(CENSORED)
    shuffled = frame_of(CENSORED).sample(frac=1, random_state=1)
    again = analyse_table(table_of(shuffled, design, metadata_of(design)), options=Options(resamples=100))
    assert again.as_plain() == whole.as_plain()


def test_other_versions_and_other_files_are_refused(whole, tmp_path):
    path = tmp_path / "analysis.json"
    write_analysis(dataclasses.replace(whole, version=99), path)
    with pytest.raises(UsageError, match="has version 99"):
        read_analysis(path)
    path.write_text("[]")
    with pytest.raises(UsageError, match="is no analysis"):
        read_analysis(path)
    with pytest.raises(UsageError, match="is no file"):
        read_analysis(tmp_path / "nothing.json")


def test_the_digest_is_that_of_the_file(tmp_path):
    import hashlib

    path = write(tmp_path / "trials.parquet", SMALL)
    assert analyse(path, options=Options(resamples=100)).table == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_command_prints_and_writes(tmp_path, capsys):
    from efficienttrust.cli.study.analyse import analyse as command

    path = write(tmp_path / "trials.parquet", SMALL)
    assert command(str(path), resamples=100, metric=["accuracy"], margin=["accuracy=0.02"]) == 0
    out = capsys.readouterr().out
    assert "72 done of 72 planned trials; 2 data sets, 4 units" in out
    assert "Declared hypotheses (as declared)" in out
    assert "critical-difference" in out
    assert read_analysis(tmp_path / "analysis.json").options.margins == {"metric.accuracy": 0.02}
    assert command(str(path), resamples=100, json=True) == 0
    assert json.loads(capsys.readouterr().out)["version"] == 1
    with pytest.raises(UsageError, match="--margin accuracy"):
        command(str(path), margin=["accuracy"])
