"""Corruptions, detection and shift: what was not asked for is null, what was asked for equals a direct computation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from efficienttrust import audit
from efficienttrust.data.images import load_images
from efficienttrust.errors import UsageError
from efficienttrust.metrics import robust_key
from efficienttrust.pipeline import _audit
from efficienttrust.pipeline._audit_examination import Section
from efficienttrust.threats.corruptions import corrupt
from tests.pipeline.audit.conftest import COLUMNS
from tests.small_problems import make_table

LOANS = {"label": "approved", "sensitive": "sex"}


@pytest.fixture(scope="module")
def of_table(pipeline_model):
    return audit(
        pipeline_model, make_table(500, seed=4), **LOANS, suite="full", environment="region",
        ood=["housing = free", "far:age >= 70"], targets=["corruption_accuracy(gaussian_noise, severity=1) >= 0.3"],
    )  # fmt: skip


@pytest.fixture
def pictures(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "in.npz", x=rng.integers(0, 256, (80, 8, 8), dtype=np.uint8), y=np.arange(80) % 4)
    np.savez(tmp_path / "out.npz", x=rng.integers(0, 20, (30, 9, 7, 3), dtype=np.uint8), y=np.arange(30) % 2)
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 4)).eval(), tmp_path


def test_the_quick_suite_measures_no_section(pipeline_model):
    found = audit(pipeline_model, make_table(), **LOANS, suite="quick")
    assert [found.document[name] for name in ("robustness", "corruptions", "ood", "shift")] == [None] * 4


def test_corruptions_of_a_table(of_table):
    part = of_table.document["corruptions"]
    assert part["kind"] == "table"
    assert part["clean"]["value"] == of_table.metrics["accuracy"]["value"]
    mean_error = np.mean([1 - row["accuracy"]["value"] for row in part["rows"]])
    assert part["mean_corruption_error"]["value"] == pytest.approx(mean_error)
    assert of_table.metrics["mean_corruption_error"]["value"] == part["mean_corruption_error"]["value"]
    assert {row["severity"] for row in part["rows"]} == {1, 2, 3, 4, 5}
    noise = next(row for row in part["rows"] if (row["name"], row["severity"]) == ("gaussian_noise", 1))
    assert noise["worst_group"]["value"] <= noise["accuracy"]["value"]
    assert of_table.verdicts[0].value == noise["accuracy"]["value"]


def test_a_model_that_cannot_take_a_corruption_is_a_note(of_table):
    """Logistic regression takes no missing cells."""
    notes = [note for note in of_table.document["corruptions"]["notes"] if "was not measured" in note]
    assert any(note.startswith("missing_completely_at_random was not measured") for note in notes)
    measured = {row["name"] for row in of_table.document["corruptions"]["rows"]}
    assert "gaussian_noise" in measured
    assert "missing_completely_at_random" not in measured


def test_a_target_brings_its_section(pipeline_model):
    found = audit(
        pipeline_model, make_table(), **LOANS, suite="quick",
        targets=["corruption_accuracy(gaussian_noise, severity=3) >= 0.1"],
    )  # fmt: skip
    assert found.document["corruptions"] is not None
    assert found.verdicts[0].status == "certified"


def test_what_a_section_finds_reaches_targets_groups_predictions_and_alarms(pipeline_model, monkeypatch):
    """The seam of the robustness section: rows it attacked, whether they stood, and what it found wrong."""
    document = {"norm": "linf", "unit": "deviations", "attack": "pgd", "curve": [], "stages": [], "complete": False}
    key = robust_key("pgd", 0.1)
    standing, attacked = np.array([True, False, True, True]), np.array([0, 3, 5, 9])
    alarm = {"name": "zero_gradients", "fired": True, "value": 1.0, "threshold": 0.0, "meaning": "m", "detail": "d"}

    def attack(exam):
        return Section(document, {"robust": {key: standing}, "robust_rows": {key: attacked}}, (alarm,), ("said",))

    monkeypatch.setattr(_audit, "SECTIONS", {"robustness": attack})
    found = audit(
        pipeline_model, make_table(), **LOANS, suite="quick", targets=["robust_accuracy(pgd, eps=0.1) >= 0.5"]
    )
    assert found.metrics[key]["value"] == 0.75
    assert (found.verdicts[0].status, found.verdicts[0].qualifier) == ("met", "doubted")
    assert "zero_gradients, not every row was attacked" in found.verdicts[0].reason
    assert key in found.document["groups"][0]
    column = found.predictions[f"right under {key}"].to_numpy()
    assert column[attacked].tolist() == [1, 0, 1, 1]
    assert (np.delete(column, attacked) == -1).all()
    assert found.document["robustness"] == document
    assert alarm in found.alarms
    assert "said" in found.document["data"]["notes"]


def test_shift(of_table, pipeline_model):
    part = of_table.document["shift"]
    table = make_table(500, seed=4)
    right = (pipeline_model.predict(table[COLUMNS]) == table["approved"]).to_numpy()
    assert part["column"] == "region"
    for entry in part["environments"]:
        member = (table["region"] == entry["name"]).to_numpy()
        assert entry["n"] == member.sum()
        assert entry["accuracy"]["value"] == pytest.approx(right[member].mean())
        assert entry["drop"]["value"] == pytest.approx(right[~member].mean() - right[member].mean())


def test_detection_of_rows_held_out(of_table):
    first, second = of_table.document["ood"]["sets"]
    assert (first["against"], first["nearness"]) == ("housing = free", "near")
    assert (second["against"], second["nearness"]) == ("age >= 70", "far")
    names = {one["name"] for one in first["detectors"]}
    assert {"msp", "energy", "knn"} <= names
    by_features = next(one for one in first["detectors"] if one["name"] == "mahalanobis")
    assert by_features["auroc"]["value"] > 0.6  # no row with this housing is left to learn from
    assert set(by_features["by_group"]) == {"sex"}


def test_corruptions_of_images(pictures):
    module, folder = pictures
    found = audit(module, folder / "in.npz", suite="full")
    images = load_images(folder / "in.npz")
    x = torch.from_numpy(images.x.astype(np.float32) / np.float32(255))
    with torch.no_grad():
        right = module(corrupt(x, "contrast", 5)).argmax(dim=1).numpy() == images.y
    part = found.document["corruptions"]
    row = next(row for row in part["rows"] if (row["name"], row["severity"]) == ("contrast", 5))
    assert row["accuracy"]["value"] == pytest.approx(right.mean())
    assert len({row["name"] for row in part["rows"]}) >= 19
    assert any("cifar" in note for note in part["notes"])


def test_detection_of_other_images(pictures):
    module, folder = pictures
    found = audit(module, folder / "in.npz", suite="quick", ood=[str(folder / "out.npz")])
    part = found.document["ood"]
    assert part["sets"][0]["n"] == 30
    assert part["sets"][0]["nearness"] == "far"
    assert any("resized from 9x7 to 8x8" in note for note in part["notes"])
    assert any("brought to 1 channels" in note for note in part["notes"])
    assert any("learn from 40 of the rows" in note for note in part["notes"])


def test_detection_needs_scores(pipeline_model):
    found = audit(
        lambda frame: np.where(frame["income"] > 33, "yes", "no"), make_table(), **LOANS, suite="quick",
        ood=["housing = free"],
    )  # fmt: skip
    assert found.document["ood"] is None
    assert any("detection was not measured" in note for note in found.document["data"]["notes"])


def test_another_table_is_out_of_distribution(pipeline_model, tmp_path):
    other = make_table(200, seed=9)
    other["income"] += 500
    other.to_csv(tmp_path / "other.csv", index=False)
    found = audit(pipeline_model, make_table(), **LOANS, suite="quick", ood=[str(tmp_path / "other.csv")])
    measured = {one["name"]: one["auroc"]["value"] for one in found.document["ood"]["sets"][0]["detectors"]}
    assert measured["mahalanobis"] > 0.99


def test_what_names_nothing_is_refused(pipeline_model):
    with pytest.raises(UsageError, match="no column 'regions'"):
        audit(pipeline_model, make_table(), **LOANS, suite="quick", environment="regions")
    with pytest.raises(UsageError, match=r"there is no file nosuch\.csv"):
        audit(pipeline_model, make_table(), **LOANS, suite="quick", ood=["nosuch.csv"])


def test_a_run_is_represented_by_its_float_parent(finished_run):
    found = audit(finished_run[1], suite="quick", ood=["far:age >= 60"])
    assert not any("probabilities only" in note for note in found.document["ood"]["notes"])


def test_detection_shows_a_module_the_raw_numbers_that_it_takes():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(5, 2, (300, 3)), columns=["a", "b", "c"])
    table["y"] = (table["a"] + rng.normal(size=300) > 5).astype(int)
    seen = []

    class Recorded(nn.Linear):
        def forward(self, x):
            seen.append(float(x.mean()))
            return super().forward(x)

    module = nn.Sequential(Recorded(3, 4), nn.ReLU(), nn.Linear(4, 1))
    found = audit(module, table, label="y", suite="quick", inputs="raw", ood=["a >= 7"])
    assert found.document["ood"]["sets"][0]["n"] > 0
    assert min(seen) > 1  # encoded numbers would be centred at 0
