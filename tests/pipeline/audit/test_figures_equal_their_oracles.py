"""The figures of an audit equal those of scikit-learn and fairlearn on the same answers, and those of a run."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import torch
from fairlearn.metrics import demographic_parity_difference, equalized_odds_difference
from sklearn import metrics as peers
from sklearn.linear_model import LogisticRegression
from torch import nn

from efficienttrust import audit
from efficienttrust.data.images import load_images
from tests.pipeline.audit.conftest import COLUMNS
from tests.small_problems import german, make_table


def test_a_pipeline_on_a_file(pickled, pipeline_model, loans_file):
    found = audit(
        pickled, loans_file, label="approved", sensitive="sex", suite="quick", trust_pickle=True,
        targets=["dpd <= 0.1"],
    )  # fmt: skip
    table = pd.read_csv(loans_file)
    y, sex = table["approved"] == "yes", table["sex"]
    said, score = pipeline_model.predict(table[COLUMNS]) == "yes", pipeline_model.predict_proba(table[COLUMNS])[:, 1]
    expected = {
        "accuracy": peers.accuracy_score(y, said),
        "balanced_accuracy": peers.balanced_accuracy_score(y, said),
        "auc": peers.roc_auc_score(y, score),
        "f1": peers.f1_score(y, said),
        "mcc": peers.matthews_corrcoef(y, said),
        "log_loss": peers.log_loss(y, score),
        "demographic_parity_difference": demographic_parity_difference(y, said, sensitive_features=sex),
        "equalized_odds_difference_max": equalized_odds_difference(y, said, sensitive_features=sex),
        "worst_group_accuracy": min(float((y == said)[sex == name].mean()) for name in ("F", "M")),
    }
    for name, value in expected.items():
        assert found.metrics[name]["value"] == pytest.approx(value, abs=1e-9), name
        assert found.metrics[name]["low"] <= value <= found.metrics[name]["high"]
    assert found.document["data"]["rows"] == "all rows"
    assert found.document["data"]["n"] == 400
    assert found.verdicts[0].value == pytest.approx(expected["demographic_parity_difference"])


def test_a_run_has_the_figures_of_its_own_test_split(finished_run):
    run, folder = finished_run
    found = audit(folder, suite="quick")
    shared = found.metrics.keys() & run.metrics.keys()
    assert {"accuracy", "auc", "demographic_parity_difference", "worst_group_accuracy"} <= shared
    for name in shared:
        one, other = found.metrics[name], run.metrics[name]
        assert one["value"] == other["value"] or (math.isnan(one["value"]) and math.isnan(other["value"])), name
        assert (one["low"], one["high"], one["n"]) == (other["low"], other["high"], other["n"])
    assert found.document["model"]["kind"] == "run"
    assert found.document["data"]["rows"] == "test split"
    for name in ("row", "label", "sex", "score", "margin", "prediction"):
        assert (found.predictions[name].to_numpy() == run.predictions[name].to_numpy()).all(), name


def test_the_exported_file_alone_equals_the_run(finished_run, tmp_path):
    run, folder = finished_run
    found = audit(folder / "model.onnx", "german", sensitive="sex", suite="quick")
    assert found.document["model"]["kind"] == "onnx"
    assert found.metrics["accuracy"]["value"] == run.metrics["accuracy"]["value"]
    assert "has not seen the rows" in found.document["model"]["facts"]["data"]
    assert audit(run, suite="quick").metrics["auc"]["value"] == run.metrics["auc"]["value"]


def test_rows_all_and_a_limit(finished_run):
    _run, folder = finished_run
    assert audit(folder, suite="quick", rows="all").document["data"]["n"] == 1000
    limited = audit(folder, suite="quick", limit=50, seed=3)
    assert limited.document["data"]["n"] == 50
    assert "50 of 200 rows, drawn with seed 3" in limited.document["data"]["notes"]


def test_images_of_several_classes(images_file):
    images = load_images(images_file)
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(36, 4)).eval()
    with torch.no_grad():
        z = module(torch.from_numpy(images.x / np.float32(255)))
    found = audit(module, images_file, suite="quick")
    said = z.argmax(dim=1).numpy()
    assert found.metrics["accuracy"]["value"] == pytest.approx(float((said == images.y).mean()))
    lowest = min(float((said == code)[images.y == code].mean()) for code in range(4))
    assert found.metrics["worst_group_accuracy"]["value"] == pytest.approx(lowest)
    assert not [name for name in found.metrics if "parity" in name]  # between classes it would be nonsense
    by_site = audit(module, images_file, suite="quick", sensitive="site")
    assert {row["group"] for row in by_site.document["groups"]} >= {"A", "B"}
    assert [name for name in by_site.metrics if "demographic_parity" in name]


def test_decisions_only_leave_scores_out(loans_file):
    found = audit(
        lambda frame: np.where(frame["income"] > 33, "yes", "no"), loans_file, label="approved", sensitive="sex",
        suite="quick",
    )  # fmt: skip
    assert found.metrics["accuracy"]["value"] > 0.5
    assert not any(math.isfinite(found.metrics[name]["value"]) for name in ("auc", "log_loss") if name in found.metrics)
    assert any("decisions only" in note for note in found.document["data"]["notes"])


def test_problems_and_frames_in_python(pipeline_model):
    table = make_table(400, seed=2)
    by_frame = audit(pipeline_model, table, label="approved", sensitive="sex", suite="quick")
    assert by_frame.document["data"]["rows"] == "all rows"
    from efficienttrust import load_problem

    problem = load_problem(table, label="approved", sensitive="sex")
    by_problem = audit(pipeline_model, problem, suite="quick")
    assert by_problem.metrics["accuracy"] == by_frame.metrics["accuracy"]
    assert german().name == "german"


@pytest.mark.parametrize("as_file", [True, False])
def test_a_foreign_model_may_read_what_a_problem_leaves_out(as_file, tmp_path):
    table = make_table(400, seed=2)
    table["id"] = [f"row {number}" for number in range(400)]  # no input of ours: every value is different
    table.to_csv(tmp_path / "loans.csv", index=False)
    data = tmp_path / "loans.csv" if as_file else table
    seen = set()

    def model(frame):
        seen.update(frame.columns)
        return frame["id"].str.removeprefix("row ").astype(float) / 400

    found = audit(model, data, label="approved", suite="quick")
    assert found.predictions["score"].tolist() == pytest.approx((np.arange(400) / 400).tolist())
    assert seen == set(table.columns) - {"approved"}  # but never the label


def test_one_class_of_several_against_the_rest():
    table = make_table(400, seed=2)
    model = LogisticRegression(max_iter=500).fit(table[["income", "debt"]], table["housing"])
    found = audit(model, table, label="housing", positive="own", suite="quick")
    said = model.predict(table[["income", "debt"]]) == "own"
    y = (table["housing"] == "own").to_numpy()
    assert found.metrics["accuracy"]["value"] == pytest.approx((said == y).mean())
    score = model.predict_proba(table[["income", "debt"]])[:, list(model.classes_).index("own")]
    assert found.metrics["auc"]["value"] == pytest.approx(peers.roc_auc_score(y, score))
    assert "against the rest" in found.document["model"]["facts"]["classes"]


def test_verdicts_rest_on_the_audited_rows(pipeline_model, loans_file):
    found = audit(
        pipeline_model, loans_file, label="approved", sensitive="sex", suite="quick",
        targets=["f1 >= 0.1", "accuracy >= 0.99", "dpd <= 0.9", "accuracy >= 0.4"],
    )  # fmt: skip
    status = {one.target: one.status for one in found.verdicts}
    assert status == {
        "f1 >= 0.1": "certified", "accuracy >= 0.99": "missed", "demographic_parity_difference <= 0.9": "certified",
    }  # fmt: skip
    assert "the model has not seen" in found.verdicts[0].reason
    assert any("was dropped" in note for note in found.document["data"]["notes"])
    assert any("is not known" in note for note in found.document["data"]["notes"])
