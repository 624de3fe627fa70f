"""The part of an audit about attacks: its curve, groups and notes agree with what was found row by row."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from efficienttrust.data import load_problem
from efficienttrust.data.images import load_images
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.alarms import alarms
from efficienttrust.evaluation.subjects import image_rows, open_subject, table_rows
from efficienttrust.metrics import measure
from efficienttrust.metrics.metric import robust_key
from efficienttrust.pipeline import _audit_robustness
from efficienttrust.pipeline._audit_examination import Examination
from efficienttrust.pipeline._audit_open import open_model, open_rows, run_of
from efficienttrust.pipeline._audit_request import make_audit_request
from efficienttrust.pipeline._audit_robustness import robustness_section
from efficienttrust.pipeline._document import plain

OPTIONS = {
    "suite": "standard", "targets": (), "eps": None, "norm": "linf", "seconds": None, "seed": 0, "environment": None,
    "ood": (), "rows": None, "limit": None,
}  # fmt: skip


def examined(model, rows, **options) -> Examination:
    subject = open_subject(model, rows)
    return Examination(subject, rows, subject.answer(rows.inputs), make_audit_request(**{**OPTIONS, **options}))


@pytest.fixture
def loans(loans_file):
    return table_rows(load_problem(loans_file, label="approved", positive="yes", sensitive="sex,housing"), "all")


@pytest.fixture
def pictures(images_file):
    return image_rows(load_images(str(images_file), sensitive="site"))


@pytest.fixture
def scorer(loans):
    """A fast model: the same regression on the encoded matrix."""
    train = loans.problem.splits["train"]
    return LogisticRegression().fit(train.x, train.y)


def quarters() -> nn.Sequential:
    """Return a linear model that reads the mean brightness of each quarter of a 6 x 6 image."""
    layer = nn.Linear(36, 4)
    with torch.no_grad():
        mask = torch.zeros(4, 6, 6)
        for code in range(4):
            mask[code, 3 * (code // 2) : 3 * (code // 2) + 3, 3 * (code % 2) : 3 * (code % 2) + 3] = 1
        layer.weight.copy_(4 * mask.flatten(1))
        layer.bias.zero_()
    return nn.Sequential(nn.Flatten(), layer)


def test_a_pipeline_on_a_table(pipeline_model, loans):
    loans = loans.take(np.arange(80))
    exam = examined(pipeline_model, loans, suite="quick", eps=[0.3, 0.1])
    document = robustness_section(exam).document
    assert [point["eps"] for point in document["curve"]] == [0.0, 0.1, 0.3]
    values = [point["accuracy"]["value"] for point in document["curve"]]
    assert values == sorted(values, reverse=True)
    assert values[-1] < values[0] - 0.05
    assert values[0] == (exam.answer.prediction == loans.y).mean()
    assert document["complete"] is True
    assert document["attack"] == "pgd"
    assert "without a gradient" in document["how"]
    json.dumps(plain(document), allow_nan=False)


@pytest.mark.parametrize(("suite", "attack"), [("standard", "pgd"), ("full", "standard")])
def test_radii_asked_for_join_the_usual_ones(suite, attack, scorer, loans):
    document = robustness_section(examined(scorer, loans.take(np.arange(30)), suite=suite, eps=[0.3])).document
    assert [point["eps"] for point in document["curve"]] == [0.0, 0.05, 0.1, 0.25, 0.3, 0.5]
    assert document["attack"] == attack
    assert {"coordinate", "random_points"} | ({"square"} if suite == "full" else set()) <= {
        stage["name"] for stage in document["stages"]
    }


def test_a_run_is_attacked_by_its_parent_and_searched_itself(finished_run):
    run = run_of(finished_run[1])
    request = make_audit_request(**{**OPTIONS, "suite": "quick", "eps": [0.1, 0.2]})
    rows = open_rows(None, {}, request, run)
    subject = open_model(finished_run[1], rows, run, weights=None, trust_pickle=False, inputs="auto")
    section = robustness_section(Examination(subject, rows, subject.answer(rows.inputs), request))
    document = section.document
    assert "float parent" in document["how"]
    assert {"pgd", "asked as shipped", "coordinate"} <= {stage["name"] for stage in document["stages"]}
    assert not [alarm["name"] for alarm in section.alarms if alarm["fired"]]
    looked = {alarm["name"]: alarm for alarm in section.alarms}
    assert looked["parent_differs"]["value"] == 0
    notes = [point["accuracy"]["note"] for point in document["curve"][1:]]
    for note, point in zip(notes, document["curve"][1:], strict=True):
        if note:
            assert "proven of the float parent" in note
            assert float(note.split()[1]) <= point["accuracy"]["value"]
    assert any(notes)


def test_groups_and_gaps_are_those_of_the_rows(scorer, loans):
    exam = examined(scorer, loans)
    section = robustness_section(exam)
    point = section.document["curve"][3]
    key = robust_key("pgd", point["eps"])
    right = section.outcome["robust"][key]
    rows = section.outcome["robust_rows"][key]
    assert point["accuracy"]["value"] == pytest.approx(right.mean())
    assert set(point["by_group"]) == {"sex", "housing", "sex & housing"}
    for attribute, (codes, names) in loans.attributes.items():
        listed = {row["group"]: row for row in point["by_group"][attribute]}
        for code, name in enumerate(names):
            mine = codes[rows] == code
            assert listed[name]["n"] == mine.sum()
            assert listed[name]["value"] == pytest.approx(right[mine].mean())
            assert listed[name]["low"] <= listed[name]["value"] <= listed[name]["high"]
    intersections = [row["value"] for row in point["by_group"]["sex & housing"]]
    assert point["gap"]["value"] == pytest.approx(max(intersections) - min(intersections))
    outcome = exam.outcome([section])
    assert measure(
        "worst_group_robust_accuracy", outcome, {"attack": "pgd", "eps": point["eps"]}
    ).value == pytest.approx(min(intersections))


def test_targets_get_their_own_attacks(scorer, loans):
    targets = ["robust_accuracy(square, eps=0.2, norm=l2) >= 0.5", "robust_accuracy(pgd, eps=0.07) >= 0.5"]
    section = robustness_section(examined(scorer, loans.take(np.arange(60)), suite="quick", targets=targets))
    assert set(section.outcome["robust"]) == {robust_key("square", 0.2, "l2"), robust_key("pgd", 0.07)}


def test_a_quick_suite_without_radii_attacks_nothing(scorer, loans):
    section = robustness_section(examined(scorer, loans, suite="quick"))
    assert section.document is None
    assert not section.outcome
    assert not section.alarms


def test_a_linear_image_model_equals_its_closed_form(pictures):
    model = quarters()
    section = robustness_section(examined(model, pictures, eps="8/255,16/255"))
    with torch.no_grad():
        z = model(torch.from_numpy(pictures.x)).numpy()
    assert section.document["unit"] == "pixels in [0, 1]"
    assert len(section.document["curve"]) == 6
    for point in section.document["curve"]:
        exact = _worst(model[1].weight.detach().numpy(), z, pictures, point["eps"]) > 0
        assert exact.mean() - 1e-9 <= point["accuracy"]["value"] <= exact.mean() + 0.02
        assert set(point["by_group"]) == {"site"}
    assert not [alarm["name"] for alarm in section.alarms if alarm["fired"]]


def _worst(weight: np.ndarray, z: np.ndarray, pictures, eps: float) -> np.ndarray:
    """Return the lowest margin [n] of a linear model inside the ball and the box, over all rivals."""
    x, y = pictures.x.reshape(len(z), -1), pictures.y
    pull = weight[y][:, None] - weight[None]  # [n, K, cells]
    loss = np.where(pull > 0, pull * np.minimum(eps, x)[:, None], -pull * np.minimum(eps, 1 - x)[:, None]).sum(2)
    margin = z[np.arange(len(z)), y][:, None] - z - loss
    return np.where(np.arange(z.shape[1]) == y[:, None], np.inf, margin).min(1)


def test_alarms_are_entries_of_the_document_and_repeat_no_check(pictures):
    exam = examined(quarters(), pictures)
    section = robustness_section(exam)
    named = [alarm["name"] for alarm in section.alarms]
    checked = [check.name for check in exam.subject.checks]
    assert not set(named) & set(checked)
    assert set(named) | set(checked) >= set(alarms.names())
    assert all(set(alarm) == {"name", "fired", "value", "threshold", "meaning", "detail"} for alarm in section.alarms)
    json.dumps(plain(list(section.alarms)), allow_nan=False)


def test_where_nothing_may_change_accuracy_under_attack_is_clean_accuracy():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.choice(list("xyz"), 200), "sex": rng.choice(["F", "M"], 200)})
    frame["label"] = np.where((frame["a"] == "x") ^ (rng.random(200) < 0.2), "yes", "no")
    rows = table_rows(load_problem(frame, label="label", positive="yes", sensitive="sex"), "all")
    train = rows.problem.splits["train"]
    section = robustness_section(examined(LogisticRegression().fit(train.x, train.y), rows, suite="full"))
    values = {point["accuracy"]["value"] for point in section.document["curve"]}
    assert len(values) == 1
    assert any("none, so no row can fall" in note for note in section.document["notes"])
    assert not section.alarms


def test_a_masked_model_is_caught(pictures):
    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = quarters()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.body((10 * x).round() / 10)

    section = robustness_section(examined(Masked(), pictures))
    caught = {alarm["name"] for alarm in section.alarms if alarm["fired"]}
    assert {"zero_gradients", "gradient_disagrees", "loss_does_not_fall"} <= caught


@pytest.mark.parametrize("how", [{"eps": "8"}, {"targets": ["robust_accuracy(pgd, eps=8) >= 0.1"]}])
def test_radii_in_units_of_255_are_refused_with_the_figure(how, pictures):
    with pytest.raises(UsageError, match=r"eps = 8 is wider.* write 8/255 = 0\.0314"):
        robustness_section(examined(quarters(), pictures, **how))


def test_a_budget_is_a_random_sample_and_says_so(scorer, loans):
    section = robustness_section(examined(scorer, loans, seconds=1e-6))
    assert section.document["complete"] is False
    assert section.document["curve"][1]["accuracy"]["n"] == 16
    assert any("random sample" in note for note in section.document["notes"])


def test_an_expensive_model_is_attacked_on_fewer_rows_and_says_so(scorer, loans, monkeypatch):
    monkeypatch.setattr(_audit_robustness, "QUERIES", 1)
    monkeypatch.setattr(_audit_robustness, "FEWEST_ROWS", 80)
    section = robustness_section(examined(scorer, loans))
    assert section.document["curve"][1]["accuracy"]["n"] == 80
    assert any("80 of 400 rows were attacked" in note for note in section.document["notes"])
    rows = section.outcome["robust_rows"][robust_key("pgd", 0.1)]
    assert len(set(rows.tolist())) == 80
    assert (np.diff(rows) > 0).all()


def test_the_same_seed_gives_the_same_section(scorer, loans):
    exam = examined(scorer, loans.take(np.arange(100)))
    one, two = robustness_section(exam), robustness_section(exam)
    assert [p["accuracy"] for p in one.document["curve"]] == [p["accuracy"] for p in two.document["curve"]]
    assert one.alarms == two.alarms
