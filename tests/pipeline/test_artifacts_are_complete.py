"""A run leaves every artefact, whole, and nothing beside them; its document is strict JSON that adds up."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

from efficienttrust import fit
from efficienttrust.compression import DeployedModel
from efficienttrust.pipeline._document import ARTIFACTS
from tests.small_problems import FAIR, german, loans


def test_the_folder_holds_all_artefacts_and_no_others(finished_run):
    _, folder = finished_run
    assert sorted(path.name for path in folder.iterdir()) == sorted(ARTIFACTS.values())
    assert [path.name for path in folder.parent.iterdir()] == [folder.name], "no working folder is left"


def test_the_document_is_strict_json_and_says_what_was_asked(finished_run):
    run, folder = finished_run

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    document = json.loads((folder / "run.json").read_text(encoding="utf-8"), parse_constant=refuse)
    assert document["spec"]["targets"] == [entry["target"] for entry in document["verdicts"]]
    assert document["spec"]["budget"] == "time=60 steps, size=1MB"
    assert document["problem"]["fingerprint"] == german().fingerprint
    assert document["problem"]["splits"] == {name: len(part.y) for name, part in german().splits.items()}
    assert document["model"]["blind"] is True
    assert document["artifacts"] == ARTIFACTS
    assert [one["chosen"] for one in document["candidates"]].count(True) == 1
    assert {key: value["n"] for key, value in document["metrics"].items()} == {
        key: value["n"] for key, value in run.metrics.items()
    }


def test_the_ledger_adds_up(finished_run):
    ledger = finished_run[0].ledger
    time = ledger["time"]
    assert (time["clock"], time["asked"], time["overrun"]) == ("steps", 60, 0)
    assert sum(time["phases"].values()) == time["used"] == ledger["clocks"]["steps"] <= 60
    assert {"data", "probe", "prepare", "train", "monitor", "calibrate", "export"} <= set(time["phases"])
    assert set(ledger["outside"]) == {"scheduler", "measure", "evaluate", "limit"}, "evaluation is charged apart"
    assert ledger["size"]["used"] == len(finished_run[0].content) <= ledger["size"]["asked"] == 1_000_000
    assert ledger["latency"]["used"] > 0


def test_the_model_file_says_what_it_is(finished_run):
    run, folder = finished_run
    file = DeployedModel(folder / "model.onnx")
    assert (folder / "model.onnx").read_bytes() == run.content
    assert file.metadata["data_sha256"] == german().fingerprint
    assert file.metadata["attribute_blind"] == "true"
    assert "sex" not in [one.column for one in file.inputs], "blind: it does not ask for the group"
    assert run.document["model"]["parameters"] == file.n_parameters


def test_tables_have_a_row_per_look_decision_and_test_row(finished_run):
    run, folder = finished_run
    history, decisions, predictions = (
        pd.read_parquet(folder / f"{name}.parquet") for name in ("history", "decisions", "predictions")
    )
    assert history["step"].is_monotonic_increasing
    assert history["progress"].between(0, 1).all()
    assert set(run.document["spec"]["targets"][1].split()[:1]) <= set(history.columns)
    assert {"step", "progress", "knob", "before", "after", "reason", "expected_cost"} == set(decisions.columns)
    assert (decisions["reason"] != "").all()
    np.testing.assert_array_equal(predictions["row"], german().splits["test"].rows)
    np.testing.assert_array_equal(predictions["label"], german().splits["test"].y)


def test_report_and_card_name_every_target(finished_run):
    _, folder = finished_run
    page, card = (
        (folder / "report.html").read_text(encoding="utf-8"),
        (folder / "README.md").read_text(encoding="utf-8"),
    )
    assert "<html" in page
    assert card.startswith("---\n")
    for name in ("demographic_parity_difference", "robust_accuracy(pgd, eps=0.1, norm=linf)"):
        assert name in page
        assert name in card


def test_progress_is_told_in_order():
    events = []
    fit(german(), budget="time=40 steps", targets=[FAIR], progress=events.append)
    phases = list(dict.fromkeys(event.phase for event in events))
    assert phases == ["limits", "train", "calibrate", "export", "measure", "evaluate"]
    fractions = [event.fraction for event in events]
    assert fractions == sorted(fractions)
    assert fractions[-1] <= 1
    looks = [event for event in events if event.metrics]
    assert looks
    assert all(0 <= event.metrics["accuracy"] <= 1 and event.action for event in looks)


@pytest.mark.parametrize("budget", ["epochs=8", "time=20000 samples", "flops=1e8"])
def test_other_budgets_hold(budget):
    run = fit(german(), budget=budget, targets=[FAIR])
    for resource, entry in run.ledger.items():
        if resource not in ("clocks", "outside"):
            assert not entry["overrun"], resource


def test_without_a_time_limit_the_run_ends_by_itself():
    run = fit(loans(200), budget="size=1MB", targets=[])
    assert run.ledger["time"]["asked"] is None
    assert run.verdicts == []
    assert math.isfinite(run.metrics["accuracy"]["value"])
