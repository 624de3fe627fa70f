"""`verify` confirms an honest run, and notices whatever was changed after it."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import numpy_helper

from efficienttrust import fit, load_problem, verify
from efficienttrust.errors import UsageError
from tests.small_problems import FAIR, ROBUST, german, loans, make_table, weighted_loans


def edit(folder, change) -> None:
    record = folder / "run.json"
    document = json.loads(record.read_text(encoding="utf-8"))
    change(document)
    record.write_text(json.dumps(document), encoding="utf-8")


def test_an_honest_run_is_confirmed(finished_run):
    run, folder = finished_run
    verified = verify(folder)
    assert [one.target for one in verified] == run.document["spec"]["targets"]
    for one, recorded in zip(verified, run.verdicts, strict=True):
        assert one.confirmed
        assert (one.status, one.value) == (recorded.status, recorded.value) == (one.recorded_status, one.recorded_value)


@pytest.mark.parametrize("key", ["value", "status"])
def test_a_changed_verdict_is_not_confirmed(folder, key):
    def change(document) -> None:
        verdict = document["verdicts"][1]
        verdict[key] = 0.0123 if key == "value" else "missed"

    edit(folder, change)
    assert [one.confirmed for one in verify(folder)] == [True, False, True, True, True, True]


def test_a_verdict_without_a_value_is_not_confirmed(folder):
    edit(folder, lambda document: document["verdicts"][1].update(value=None))
    assert not verify(folder)[1].confirmed


def test_a_loosened_or_dropped_target_is_noticed(folder):
    def loosen(document) -> None:
        document["verdicts"][1]["target"] = document["verdicts"][1]["target"].replace("0.2", "0.9")

    edit(folder, loosen)
    with pytest.raises(UsageError, match="other targets than its model"):
        verify(folder)


def test_a_dropped_verdict_is_noticed(folder):
    edit(folder, lambda document: document["verdicts"].pop())
    with pytest.raises(UsageError, match="other targets"):
        verify(folder)


def test_changed_predictions_are_noticed(folder):
    table = pd.read_parquet(folder / "predictions.parquet")
    table.loc[3, "prediction"] = 1 - table.loc[3, "prediction"]
    table.to_parquet(folder / "predictions.parquet", index=False)
    with pytest.raises(UsageError, match="column 'prediction' differs in 1 rows"):
        verify(folder)


@pytest.mark.parametrize("column", ["score", "label", "sex"])
def test_other_columns_of_the_predictions_count_too(folder, column):
    table = pd.read_parquet(folder / "predictions.parquet")
    table[column] = table[column].to_numpy()[::-1]
    table.to_parquet(folder / "predictions.parquet", index=False)
    with pytest.raises(UsageError, match=f"column '{column}' differs"):
        verify(folder)


def test_a_shortened_prediction_table_is_noticed(folder):
    pd.read_parquet(folder / "predictions.parquet").head(50).to_parquet(folder / "predictions.parquet", index=False)
    with pytest.raises(UsageError, match="50 rows"):
        verify(folder)


def test_a_changed_model_is_noticed(folder):
    path = folder / "model.onnx"
    model = onnx.load(path)
    changed = False
    for initializer in model.graph.initializer:
        array = numpy_helper.to_array(initializer)
        if array.dtype == np.float32 and array.ndim == 2:
            initializer.CopyFrom(numpy_helper.from_array(-array, initializer.name))
            changed = True
    assert changed
    onnx.save(model, path)
    assert not all(one.confirmed for one in verify(folder))


def test_a_damaged_model_is_refused_in_one_line(folder):
    (folder / "model.onnx").write_bytes(b"not a model")
    with pytest.raises(UsageError) as refused:
        verify(folder)
    assert "\n" not in str(refused.value)


def test_a_weaker_parent_does_not_pass_for_robustness(folder, finished_run):
    """Attacks are crafted on the float parent: with another parent the figures are not confirmed, or they hold."""
    from efficienttrust.compression import NetworkScorer
    from efficienttrust.pipeline._weights import save_weights

    run, _ = finished_run
    blank = NetworkScorer(tuple((np.zeros_like(w), np.zeros_like(b)) for w, b in run.scorer.layers))
    save_weights(folder, blank, run.decision)
    for one in verify(folder):
        assert one.value >= one.recorded_value - 1e-9 or not one.target.startswith("robust")


def test_changed_data_are_noticed(tmp_path):
    source = tmp_path / "loans.csv"
    make_table(300).to_csv(source, index=False)
    problem = load_problem(str(source), label="approved", sensitive="sex")
    fit(problem, budget="time=30 steps", targets=[FAIR], out=tmp_path / "run")
    assert all(one.confirmed for one in verify(tmp_path / "run"))
    source.write_text(source.read_text(encoding="utf-8").replace("north", "south", 1), encoding="utf-8")
    with pytest.raises(UsageError, match="are not those of the run"):
        verify(tmp_path / "run")
    source.unlink()
    with pytest.raises(UsageError, match=r"loans\.csv"):
        verify(tmp_path / "run")


def test_a_forged_fingerprint_is_noticed(folder):
    edit(folder, lambda document: document["problem"].update(fingerprint="0" * 64))
    with pytest.raises(UsageError, match="names other data"):
        verify(folder)


def test_a_run_on_a_frame_needs_its_data(tmp_path):
    fit(weighted_loans(), budget="time=30 steps", targets=[FAIR, ROBUST], out=tmp_path / "run")
    with pytest.raises(UsageError, match="problem="):
        verify(tmp_path / "run")
    assert all(one.confirmed for one in verify(tmp_path / "run", problem=weighted_loans()))
    with pytest.raises(UsageError, match="are not those of the run"):
        verify(tmp_path / "run", problem=loans())


def test_the_report_is_no_evidence_and_may_be_gone(folder):
    (folder / "report.html").unlink()
    assert all(one.confirmed for one in verify(folder))


def test_the_problem_of_the_run_may_be_given(finished_run):
    assert all(one.confirmed for one in verify(finished_run[1], problem=german()))


def test_a_run_of_data_in_memory_names_what_it_was_made_from(folder):
    for source in ("<frame>", "<Dataset>"):
        edit(folder, lambda document, source=source: document["problem"].update(source=source))
        with pytest.raises(UsageError, match=rf"made from data in memory \({source[1:-1]}\): call verify"):
            verify(folder)
