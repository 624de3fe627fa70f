"""MLflow reads what was exported to it: a run for each trial under one for the study."""

from __future__ import annotations

import sys

import pytest

from efficienttrust.errors import UsageError
from efficienttrust.study.export import write_mlflow
from tests.study.export.finished import TARGET, finished


@pytest.fixture
def client(monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return mlflow.MlflowClient


@pytest.mark.slow
def test_each_trial_is_a_run_under_that_of_the_study(tmp_path, client):
    where = tmp_path / "mlruns"
    with finished(tmp_path) as store:
        told = write_mlflow(store, str(where))
    reader = client(tracking_uri=where.as_uri())
    experiment = reader.get_experiment_by_name("small")
    runs = {run.info.run_id: run for run in reader.search_runs([experiment.experiment_id])}
    parent = runs.pop(told.rpartition(" ")[2])
    assert (parent.data.tags["question"], parent.info.status) == ("Does the model matter?", "FINISHED")
    assert {run.data.tags["mlflow.parentRunId"] for run in runs.values()} == {parent.info.run_id}
    by_state = {}
    for run in runs.values():
        by_state.setdefault(run.data.tags["state"], []).append(run)
    assert {state: len(found) for state, found in by_state.items()} == {"done": 3, "failed": 1, "infeasible": 1}
    assert by_state["failed"][0].info.status == "FAILED"
    assert by_state["failed"][0].data.tags["reason"] == "ValueError: no"
    first = next(run for run in by_state["done"] if run.data.params == {"model": "linear", "seed": "0"})
    assert first.data.metrics["metric.accuracy"] == 0.8
    assert "metric.robust_accuracy pgd eps 0.25" not in first.data.metrics, "NaN is no figure"
    assert first.data.tags["verdict.accuracy at least 0.8"] == "met", TARGET
    other = next(run for run in by_state["done"] if run is not first)
    assert other.data.metrics["metric.robust_accuracy pgd eps 0.25"] == 0.5


@pytest.mark.slow
def test_what_mlflow_refuses_is_one_line(tmp_path, client):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with finished(tmp_path) as store, pytest.raises(UsageError) as caught:
        write_mlflow(store, str(tmp_path / "file" / "mlruns"))
    assert "\n" not in str(caught.value)
    with finished(tmp_path) as store, pytest.raises(UsageError, match="MLflow at nosuch://x"):
        write_mlflow(store, "nosuch://x")


def test_a_missing_package_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with finished(tmp_path) as store, pytest.raises(UsageError, match=r"pip install 'efficienttrust\[mlflow\]'"):
        write_mlflow(store, str(tmp_path / "mlruns"))
