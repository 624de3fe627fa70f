"""The table that leaves a store has the columns of `study/_columns.py`, and the design travels in its metadata."""

from __future__ import annotations

import csv
import json
import math
import os

import polars as pl
import pyarrow.parquet as pq
import pytest

from efficienttrust.errors import UsageError
from efficienttrust.study import Design, Outcome
from efficienttrust.study._columns import METADATA_KEY
from efficienttrust.study.export import exporters, write_csv, write_parquet
from efficienttrust.study.store import open_store
from tests.study.export.finished import DESIGN, STUDY, TARGET, finished
from tests.study.store.planned import plan


@pytest.fixture
def parquet(tmp_path):
    with finished(tmp_path) as store:
        return write_parquet(store, str(tmp_path / "out" / "trials.parquet"))


def test_a_row_for_each_trial_that_has_ended(parquet):
    frame = pl.read_parquet(parquet)
    assert frame.columns == [
        "trial", "cell", "status", "reason", "attempt", "seed", "worker", "factor.model", "metric.accuracy",
        "metric.robust_accuracy(pgd, eps=0.25)", "group.accuracy.sex=F", f"verdict.{TARGET}", "hit", "cost.steps",
        "cost.time_wall", "run.identity", "run.seconds", "run.started",
    ]  # fmt: skip
    assert frame["trial"].to_list() == [trial.key for trial in plan(5)]
    assert frame["status"].to_list() == ["done", "done", "failed", "infeasible", "done"]
    assert frame["factor.model"].to_list() == ["linear", "mlp", "trees", "linear", "mlp"]
    assert frame["seed"].to_list() == [0, 0, 0, 1, 1]
    assert frame[f"verdict.{TARGET}"].to_list() == ["met", "met", None, "infeasible", "met"]
    assert frame["hit"].fill_nan(-1).to_list() == [1.0, 1.0, -1.0, 0.0, 1.0]
    assert frame["metric.accuracy"].fill_nan(-1).to_list() == [0.8, 0.81, -1.0, -1.0, 0.84]
    assert frame["group.accuracy.sex=F"].is_nan().to_list() == [True] * 4 + [False]
    assert {frame[name].dtype for name in frame.columns if name.startswith(("metric.", "cost.", "run."))} == {
        pl.Float64
    }
    assert (frame["attempt"].dtype, frame["worker"].unique().to_list()) == (pl.Int64, ["worker 1"])
    assert frame["run.started"][0] == 1_790_000_000.0


def test_the_metadata_hold_design_environment_command_and_identities(parquet):
    metadata = json.loads(pq.read_schema(parquet).metadata[METADATA_KEY])
    assert Design.from_plain(metadata["design"]) == DESIGN
    assert metadata["environment"] == STUDY.environment
    assert metadata["command"] == STUDY.command
    assert metadata["identities"]["1"] == json.loads(json.dumps(STUDY.as_plain()))
    assert metadata["counts"]["waiting"] == 1


def test_the_analysis_reads_it(parquet):
    from pathlib import Path

    from efficienttrust.study.analysis._table import read_table

    table = read_table(Path(parquet))
    assert table.design == DESIGN
    assert len(table.frame) == 5


def test_figures_are_exact_in_csv(tmp_path):
    values = [0.1 + 0.2, 5e-324, 1.7976931348623157e308, -0.0, math.inf, math.nan]
    with open_store(tmp_path / "study.db") as store:
        store.begin(STUDY, plan(6))
        for lease, value in zip(store.claim("w", seconds=60, limit=6), values, strict=True):
            store.finish(lease, Outcome("done", {"metric.accuracy": value}, reason='a "quoted", text\nof two lines'))
        write_csv(store, str(tmp_path / "trials.csv"))
    with (tmp_path / "trials.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["metric.accuracy"]).hex() for row in rows] == [value.hex() for value in values]
    assert rows[0]["reason"] == 'a "quoted", text\nof two lines'
    assert json.loads((tmp_path / "trials.json").read_text(encoding="utf-8"))["design"] == DESIGN.as_plain() | {
        name: json.loads(json.dumps(DESIGN.as_plain()[name])) for name in ("factors", "hypotheses", "seeds")
    }


@pytest.mark.parametrize("format", ["parquet", "csv"])
def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch, format):
    target = tmp_path / f"trials.{format}"
    target.write_text("the old one", encoding="utf-8")
    with finished(tmp_path) as store, monkeypatch.context() as patch:
        patch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(UsageError, match=r"cannot write .*: No space left on device"):
            exporters.get(format)(store, str(target))
    assert target.read_text(encoding="utf-8") == "the old one"
    assert [one.name for one in tmp_path.iterdir() if "partial" in one.name] == []


def test_what_cannot_be_exported_is_said(tmp_path):
    with open_store(tmp_path / "study.db") as store:
        with pytest.raises(UsageError, match="no study has begun"):
            write_parquet(store, str(tmp_path / "x.parquet"))
        store.begin(STUDY, plan(6))
        with pytest.raises(UsageError, match="no trial has ended yet"):
            write_parquet(store, str(tmp_path / "x.parquet"))
    with pytest.raises(UsageError, match=r"unknown export format .parket.\. Did you mean .parquet."):
        exporters.get("parket")
