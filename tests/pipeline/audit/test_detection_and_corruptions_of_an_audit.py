"""Scores of detectors reach targets; what detectors learn from, and what one failing corruption leaves unharmed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from efficienttrust import audit
from efficienttrust.errors import UsageError
from efficienttrust.metrics.ood import auroc
from efficienttrust.pipeline import _audit, _audit_ood
from tests.pipeline.audit.conftest import COLUMNS
from tests.small_problems import make_table

LOANS = {"label": "approved", "sensitive": "sex"}


@pytest.fixture
def section(monkeypatch):
    """What the section of detection handed back, after an audit."""
    kept = []

    def measured(exam):
        kept.append((exam, _audit_ood.ood_section(exam)))
        return kept[-1][1]

    monkeypatch.setattr(_audit, "SECTIONS", {**_audit.SECTIONS, "ood": measured})
    return kept


def test_targets_about_detectors_are_measured(pipeline_model, section):
    found = audit(
        pipeline_model, make_table(500, seed=4), **LOANS, suite="quick", rows="all", ood=["housing = free"],
        targets=["ood_auroc(msp) >= 0.1", "ood_false_alarm_gap(msp, by=sex) <= 0.9"],
    )  # fmt: skip
    area, gap = found.verdicts
    shown = {one["name"]: one for one in found.document["ood"]["sets"][0]["detectors"]}["msp"]
    assert area.value == shown["auroc"]["value"]
    assert area.status == "certified"
    assert gap.value == shown["gaps"]["sex"]["value"]
    _, handed = section[0]
    inside, outside = handed.outcome["ood"]["msp"]
    assert len(inside) == 500
    assert 100 < np.isfinite(inside).sum() < 300  # half learnt from, those with the housing held out
    measured = found.metrics["ood_auroc(msp)"]
    assert measured["n"] == np.isfinite(inside).sum() + len(outside)
    assert "rows were scored" in measured["note"]


def test_outside_rows_of_several_sets_are_pooled(pipeline_model, section):
    found = audit(
        pipeline_model, make_table(500, seed=4), **LOANS, suite="quick", ood=["housing = free", "far:age >= 70"],
        targets=["ood_auroc(energy) >= 0.1"],
    )  # fmt: skip
    inside, outside = section[0][1].outcome["ood"]["energy"]
    assert len(outside) == sum(one["n"] for one in found.document["ood"]["sets"])
    assert found.verdicts[0].value == auroc(inside[np.isfinite(inside)], outside).value
    assert any("all 2 sets together" in note for note in found.document["ood"]["notes"])


def test_scores_belong_to_their_rows(pipeline_model, section):
    audit(pipeline_model, make_table(500, seed=4), **LOANS, suite="quick", rows="all", ood=["housing = free"])
    exam, handed = section[0]
    inside = handed.outcome["ood"]["msp"][0]
    scored = np.isfinite(inside)
    sure = np.maximum(exam.answer.score, 1 - exam.answer.score)
    assert np.array_equal(np.argsort(inside[scored]), np.argsort(sure[scored]))
    assert not (exam.rows.inputs["housing"].to_numpy()[scored] == "free").any()


def test_rows_of_another_table_are_drawn_by_the_seed(pipeline_model, tmp_path, monkeypatch):
    monkeypatch.setattr(_audit_ood, "MOST_OUTSIDE", 50)
    other = make_table(400, seed=9).sort_values("income")  # the first rows are those of the lowest incomes
    other.to_csv(tmp_path / "other.csv", index=False)

    def measured(seed):
        found = audit(
            pipeline_model, make_table(), **LOANS, suite="quick", seed=seed, rows="all",
            ood=[str(tmp_path / "other.csv")],
        )  # fmt: skip
        (only,) = found.document["ood"]["sets"]
        assert only["n"] == 50
        assert any("50 of the 400 rows of" in note for note in found.document["ood"]["notes"])
        return {one["name"]: one["auroc"]["value"] for one in only["detectors"]}

    first, again, other_draw = measured(0), measured(0), measured(1)
    assert first == again != other_draw
    assert 0.3 < first["knn"] < 0.7  # the same kind of rows


def test_detectors_that_could_only_learn_from_outside_rows_are_refused(pipeline_model):
    table = make_table(400, seed=4)
    table["part"] = np.where(np.arange(len(table)) % 2 == 0, "train", "test")
    table.loc[table["part"] == "train", "housing"] = "free"
    with pytest.raises(UsageError, match=r"no row is left that detectors could learn from when housing = free"):
        audit(
            pipeline_model, table, **LOANS, suite="quick", split_column="part", ood=["housing = free"]
        )  # fmt: skip


def test_detectors_learn_from_columns_that_only_the_model_reads(pipeline_model):
    """A frame keeps the columns that the problem leaves out, for the rows to learn from too."""
    table = make_table(400, seed=4)
    table["part"] = np.where(np.arange(len(table)) % 2 == 0, "train", "test")

    def scores(frame):
        return pipeline_model.predict_proba(frame[COLUMNS])[:, 1] * np.where(frame["sex"] == "f", 1.0, 0.9)

    found = audit(scores, table, **LOANS, suite="quick", split_column="part", ood=["housing = free"])
    assert found.document["ood"]["sets"][0]["n"] > 0


def test_a_severity_that_a_model_cannot_take_voids_itself_only(pipeline_model):
    table = make_table(300, seed=4)
    widest = 1.2 * float(table["income"].std())

    def scores(frame):
        score = pipeline_model.predict_proba(frame[COLUMNS].fillna(0.0))[:, 1]
        return np.full(len(frame), np.nan) if frame["income"].std() > widest else score

    found = audit(
        scores, table, **LOANS, suite="quick", rows="all",
        targets=["corruption_accuracy(gaussian_noise, severity=1) >= 0.1"],
    )  # fmt: skip
    part = found.document["corruptions"]
    severities = {row["severity"] for row in part["rows"] if row["name"] == "gaussian_noise"}
    assert 1 in severities
    assert severities < {1, 2, 3, 4, 5}
    (note,) = [note for note in part["notes"] if note.startswith("gaussian_noise was not measured at severity")]
    assert "NaN" in note
    assert {row["severity"] for row in part["rows"] if row["name"] == "category_swap"} == {1, 2, 3, 4, 5}


def test_an_image_corruption_that_a_model_cannot_take_voids_itself_only(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.integers(100, 156, (40, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "in.npz", x=x, y=np.arange(40) % 4)

    class NanOnBright(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last = nn.Linear(64, 4)

        def forward(self, x):
            z = self.last(x.flatten(1))
            return torch.where(x.mean(dim=(1, 2, 3))[:, None] > 0.75, torch.nan, z)

    torch.manual_seed(0)
    found = audit(
        NanOnBright(), tmp_path / "in.npz", suite="quick", targets=["corruption_accuracy(contrast, severity=1) >= 0"]
    )
    part = found.document["corruptions"]
    measured = {(row["name"], row["severity"]) for row in part["rows"]}
    assert ("brightness", 1) in measured
    assert ("brightness", 5) not in measured
    assert ("contrast", 5) in measured
    (note,) = [note for note in part["notes"] if note.startswith("brightness was not measured at severity")]
    assert "NaN" in note
    assert "brightness" in part["mean_corruption_error"]["note"]


def test_grey_images_before_a_model_of_colours_are_said_to_be_repeated(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "in.npz", x=rng.integers(0, 256, (40, 8, 8, 3), dtype=np.uint8), y=np.arange(40) % 4)
    np.savez(tmp_path / "grey.npz", x=rng.integers(0, 256, (30, 8, 8), dtype=np.uint8), y=np.arange(30) % 4)
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 4)).eval()
    grey = str(tmp_path / "grey.npz")
    found = audit(module, tmp_path / "in.npz", suite="quick", ood=[grey])
    assert f"images of {grey} were brought to 3 channels: the grey one repeated" in found.document["ood"]["notes"]

    class Normalised(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = module

        def forward(self, x):
            return self.net(x - torch.full((1, 3, 1, 1), 0.5))

    said = audit(Normalised().eval(), grey, suite="quick").document
    assert "reads 3 channels: the model repeats the one" in str(said)
