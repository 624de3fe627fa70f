"""An audit appears complete or not at all, is strict JSON, and its figures can be recomputed from its predictions."""

from __future__ import annotations

import errno
import json

import numpy as np
import pandas as pd
import pytest

from efficienttrust import audit, fit, report
from efficienttrust.data import load_problem
from efficienttrust.errors import UsageError
from efficienttrust.pipeline import _audit_result
from tests.small_problems import make_table

SECTIONS = ("verdicts", "metrics", "groups", "robustness", "alarms", "corruptions", "ood", "shift", "resources")


@pytest.fixture(scope="module")
def found():
    return audit(
        lambda frame: 1 / (1 + np.exp(33 - frame["income"])), make_table(), label="approved", sensitive="sex,region",
        suite="quick", targets=["dpd(by=sex) <= 0.3"],
    )  # fmt: skip


def test_the_files(found, tmp_path):
    folder = found.save(tmp_path / "audits" / "m")
    assert {path.name for path in folder.iterdir()} == {"audit.json", "predictions.parquet", "report.html"}
    assert [path.name for path in folder.parent.iterdir()] == ["m"]
    document = json.loads((folder / "audit.json").read_text(encoding="utf-8"))
    assert document["kind"] == "audit"
    assert document["schema_version"] == 1
    assert set(SECTIONS) <= set(document)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.lower().startswith("<!doctype html>")


def test_predictions_recompute_the_figures(found, tmp_path):
    table = pd.read_parquet(found.save(tmp_path / "m") / "predictions.parquet")
    assert (table["label"] == table["prediction"]).mean() == pytest.approx(found.metrics["accuracy"]["value"])
    rates = table.groupby("sex")["prediction"].mean()
    assert rates.max() - rates.min() == pytest.approx(found.verdicts[0].value)


def test_an_existing_folder(found, tmp_path):
    folder = found.save(tmp_path / "m")
    with pytest.raises(UsageError, match="exists already; add --overwrite"):
        found.save(folder)
    (folder / "audit.json").write_text("{}", encoding="utf-8")
    found.save(folder, overwrite=True)
    assert json.loads((folder / "audit.json").read_text(encoding="utf-8"))["kind"] == "audit"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("x", encoding="utf-8")
    with pytest.raises(UsageError, match="is not an audit"):
        found.save(tmp_path / "other", overwrite=True)
    with pytest.raises(UsageError, match="is a file"):
        found.save(folder / "audit.json")


def test_a_full_disk_leaves_nothing_new_and_the_old_audit(found, tmp_path, monkeypatch):
    folder = found.save(tmp_path / "m")
    before = (folder / "audit.json").read_bytes()

    def full(*_arguments, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    for target in (folder, tmp_path / "new"):
        with pytest.raises(UsageError, match="No space left on device"):
            found.save(target, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
    assert (folder / "audit.json").read_bytes() == before


def test_the_page_is_made_before_the_folder_appears(found, tmp_path, monkeypatch):
    def broken(_document):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(report, "render_audit", broken)
    with pytest.raises(UsageError, match="Input/output error"):
        found.save(tmp_path / "m")
    assert list(tmp_path.iterdir()) == []
    assert _audit_result.ARTIFACTS["report"] == "report.html"


def test_resources_are_those_of_the_model(found, finished_run):
    rows = found.document["resources"]["latency"]
    assert [row["batch"] for row in rows] == [1, 16, 256]
    assert all(0 < row["p50_ms"] <= row["p95_ms"] <= row["p99_ms"] for row in rows)
    assert found.document["resources"]["parameters"] is None
    run, folder = finished_run
    of_run = audit(folder, suite="quick").document["resources"]
    assert of_run["size_bytes"] == (folder / "model.onnx").stat().st_size
    assert of_run["parameters"]["total"] >= run.document["model"]["parameters"]


def test_the_command_makes_it_again(found, finished_run, tmp_path):
    assert found.document["command"].startswith("efficienttrust audit '<function>' --data '<DataFrame>'")
    assert "--target 'demographic_parity_difference(by=sex) <= 0.3'" in found.document["command"]
    run = audit(finished_run[1], suite="quick", eps="0.1,0.2")
    assert run.document["command"] == f"efficienttrust audit {finished_run[1]} --suite quick --eps 0.1,0.2"


def test_one_words_of_an_audit(found):
    assert repr(found).startswith("Audit('<lambda>' on 600 rows of")


@pytest.fixture(scope="module")
def run_of_file(tmp_path_factory):
    """A run on a file, and the file."""
    folder = tmp_path_factory.mktemp("own")
    path = folder / "loans.csv"
    make_table(400, seed=2).to_csv(path, index=False)
    problem = load_problem(str(path), label="approved", sensitive="sex", seed=3)
    fit(problem, budget="time=20 steps", targets=[], out=folder / "run", seed=3)
    return folder / "run", path


def test_the_data_of_a_run_named_again_are_measured_on_its_test_split(run_of_file):
    folder, path = run_of_file
    alone = audit(folder, suite="quick").document
    for options in ({}, {"label": "approved"}, {"label": "approved", "sensitive": "sex"}, {"sensitive": ["housing"]}):
        found = audit(folder, str(path), suite="quick", **options).document
        assert (found["data"]["rows"], found["data"]["n"]) == ("test split", alone["data"]["n"])
        assert found["metrics"]["accuracy"]["value"] == alone["metrics"]["accuracy"]["value"]
        assert sum("data of the run" in note for note in found["data"]["notes"]) == 1
        assert not any("is not known" in note for note in found["data"]["notes"])


def test_all_rows_of_a_run_say_how_many_trained_it(run_of_file):
    folder, path = run_of_file
    for data in (str(path), None):
        notes = audit(folder, data, suite="quick", rows="all").document["data"]["notes"]
        assert sum("trained or tuned on 280 of these 400 rows" in note for note in notes) == 1
        assert not any("is not known" in note for note in notes)


def test_other_rows_of_a_run_are_all_measured_and_nothing_is_known_of_them(run_of_file, tmp_path):
    make_table(300, seed=9).to_csv(tmp_path / "new.csv", index=False)
    found = audit(run_of_file[0], str(tmp_path / "new.csv"), suite="quick").document
    assert (found["data"]["rows"], found["data"]["n"]) == ("all rows", 300)
    assert any("is not known" in note for note in found["data"]["notes"])
