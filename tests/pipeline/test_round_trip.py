"""What is saved is loaded again: the same document, predictions and answers."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from efficienttrust import fit, load_run
from efficienttrust.compression import margin_encoded
from efficienttrust.errors import UsageError
from efficienttrust.training import Settings
from tests.small_problems import FAIR, german, loans


def test_a_run_comes_back_as_it_was(finished_run):
    run, folder = finished_run
    again = load_run(folder)
    assert again.content == run.content
    assert [vars(one) for one in again.verdicts] == json.loads(json.dumps([vars(one) for one in run.verdicts]))
    for name in ("predictions", "history", "decisions"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(run, name), check_dtype=False)
    x = german().splits["test"].x
    assert np.array_equal(margin_encoded(again.scorer, again.decision, x), margin_encoded(run.scorer, run.decision, x))
    assert again.ledger["clocks"] == run.ledger["clocks"]


def test_a_loaded_run_saves_to_an_equal_folder(finished_run, tmp_path):
    _, folder = finished_run
    copied = load_run(folder).save(tmp_path / "deeper" / "copy")
    for name in ("model.onnx", "model.safetensors", "model.json", "run.json", "predictions.parquet"):
        assert (copied / name).read_bytes() == (folder / name).read_bytes(), name


def test_what_cannot_be_estimated_is_nan_again(tmp_path):
    table = pd.DataFrame(loans().inputs)
    run = fit(loans(), budget="time=30 steps", targets=[FAIR])
    run.document["metrics"]["auc"]["value"] = float("nan")
    assert np.isnan(load_run(run.save(tmp_path / "x")).metrics["auc"]["value"])
    assert len(table)


def test_predictions_are_those_of_the_file(finished_run):
    run, _ = finished_run
    raw = german().raw("test")
    said = run.predict(raw)
    np.testing.assert_array_equal(said["decision"], run.predictions["prediction"])
    np.testing.assert_array_equal(said["score"], run.predictions["score"])
    assert said.index.equals(raw.index)
    assert run.predict(raw.iloc[[7]])["score"].iloc[0] == pytest.approx(said["score"].iloc[7], abs=1e-6)
    assert len(run.predict(raw.iloc[:0])) == 0


def test_predict_takes_polars_and_other_column_orders(finished_run):
    import polars

    run, _ = finished_run
    raw = german().raw("test").head(20)
    expected = run.predict(raw)
    pd.testing.assert_frame_equal(run.predict(polars.from_pandas(raw)), expected)
    pd.testing.assert_frame_equal(run.predict(raw[raw.columns[::-1]]), expected)


def test_predict_names_a_missing_column(finished_run):
    run, _ = finished_run
    column = german().encoder.columns[0]
    with pytest.raises(UsageError, match=column):
        run.predict(german().raw("test").drop(columns=column))


@pytest.mark.parametrize("missing", ["run.json", "model.onnx", "model.safetensors", "model.json", "history.parquet"])
def test_a_missing_file_is_named(folder, missing):
    (folder / missing).unlink()
    with pytest.raises(UsageError) as refused:
        load_run(folder)
    assert str(folder) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("damaged", ["run.json", "model.safetensors", "model.json", "predictions.parquet"])
def test_a_damaged_file_is_refused(folder, damaged):
    whole = (folder / damaged).read_bytes()
    (folder / damaged).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UsageError, match="damaged"):
        load_run(folder)


def test_another_schema_version_is_refused(folder):
    record = folder / "run.json"
    record.write_text(record.read_text(encoding="utf-8").replace('"schema_version": 1', '"schema_version": 99', 1))
    with pytest.raises(UsageError, match="schema version 99"):
        load_run(folder)


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(UsageError, match="is not a run"):
        load_run(tmp_path)


def test_the_choice_of_compile_is_recorded_and_in_the_command():
    run = fit(german(), budget="time=20 steps", targets=[FAIR], settings=Settings(compile="off"))
    assert run.document["spec"]["compile"] == "off"
    assert "--compile off" in run.document["command"]
    assert "--precision" not in run.document["command"]
