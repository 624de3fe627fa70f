"""What can be known before measuring is refused then; what cannot ends as a missed target and everything is written."""

from __future__ import annotations

import json

import numpy as np
import pytest

from efficienttrust import audit
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.targets import parse_target
from efficienttrust.metrics import Outcome, metrics
from efficienttrust.pipeline import _audit
from efficienttrust.pipeline._audit_clean import clean_section
from efficienttrust.pipeline._audit_examination import Section
from efficienttrust.pipeline._audit_verdicts import judge
from tests.pipeline.audit.test_what_an_audit_refuses import constant
from tests.small_problems import make_table


def decide(frame):
    return np.where(frame["income"] > 30, "yes", "no")


def test_a_target_on_detectors_of_a_model_without_scores_is_missed_and_all_is_written(tmp_path):
    audit(
        decide,
        make_table(200),
        label="approved",
        suite="quick",
        ood="age >= 40",
        targets=["ood_auroc(msp) >= 0.5", "accuracy >= 0.01"],
        out=tmp_path / "a",
    )
    written = json.loads((tmp_path / "a" / "audit.json").read_text(encoding="utf-8"))
    lost, held = written["verdicts"]
    assert (lost["status"], lost["value"], lost["certificate"]) == ("missed", None, None)
    assert lost["reason"].startswith("not measured: ")
    assert held["status"] == "certified"
    assert written["metrics"]["ood_auroc(msp)"]["note"] == lost["reason"]
    assert "not measured: " in (tmp_path / "a" / "report.html").read_text(encoding="utf-8")


def test_a_section_that_fails_after_another_is_a_note_and_before_any_is_refused(monkeypatch):
    def fails(_exam):
        raise UsageError("these rows cannot be corrupted")

    first = Section({"column": "region", "environments": []})
    monkeypatch.setattr(_audit, "SECTIONS", {"robustness": lambda _exam: Section(), "shift": fails})
    with pytest.raises(UsageError, match="cannot be corrupted"):
        audit(constant, make_table(), label="approved", suite="full")
    sections = {"robustness": lambda _exam: Section(), "shift": lambda _exam: first, "corruptions": fails}
    monkeypatch.setattr(_audit, "SECTIONS", sections)
    found = audit(constant, make_table(), label="approved", suite="full", targets=["mean_corruption_error <= 0.5"])
    assert found.document["shift"] == first.document
    assert found.document["corruptions"] is None
    assert "corruptions was not measured: these rows cannot be corrupted" in found.document["data"]["notes"]
    assert found.verdicts[0].status == "missed"


def test_a_metric_that_raises_has_no_value_and_no_limit(monkeypatch):
    def broken(*_arguments):
        raise ZeroDivisionError("division by zero")

    y = np.array([0, 1] * 20)
    outcome = Outcome(y=y, prediction=y, score=y * 0.9, groups=np.zeros(40, int), group_names=("all",), attributes={})
    target = parse_target("f1 >= 0.5")
    monkeypatch.setitem(metrics.get("f1").__dict__, "limit", broken)
    found, _groups = clean_section(outcome, [target], by_class=False)
    (verdict,) = judge([target], found, outcome)
    assert (verdict.status, verdict.value, verdict.certificate) == ("met", 1.0, None)
    assert verdict.reason.endswith("no limit: division by zero")
    monkeypatch.setitem(metrics.get("f1").__dict__, "compute", broken)
    found, _groups = clean_section(outcome, [target], by_class=False)
    (verdict,) = judge([target], found, outcome)
    assert found["f1"].note == verdict.reason == "not measured: division by zero"
    assert verdict.status == "missed"
    assert np.isnan(verdict.value)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"environment": "nonsense"}, "environment: there is no column 'nonsense'"),
        ({"environment": "regoin"}, "Did you mean 'region'?"),
        ({"ood": "nonsense = 3"}, "ood 'nonsense = 3': there is no column 'nonsense'"),
        ({"ood": "near:incom >= 3"}, "Did you mean 'income'?"),
        ({"ood": "nosuch.csv"}, "there is no file nosuch.csv, nor is it a condition"),
        ({"ood": "german"}, "the other data set lacks"),
        ({"ood": "region = nowhere"}, "nowhere"),
        ({"targets": ["ood_auroc(msp) >= 0.5"]}, "needs rows from elsewhere: name them with --ood"),
        ({"targets": ["ood_auroc(mps) >= 0.5"], "ood": "age >= 40"}, "Did you mean 'msp'?"),
        ({"targets": ["ood_auroc >= 0.5"], "ood": "age >= 40"}, "ood_auroc needs detector"),
        ({"targets": ["robust_accuracy >= 0.5"]}, "robust_accuracy needs attack and eps"),
        ({"targets": ["mean_absolute_error <= 0.5"]}, "is defined for regression outcomes, these are binary"),
    ],
)
def test_what_can_be_known_is_refused_before_the_model_is_opened(options, says, monkeypatch):
    monkeypatch.setattr(_audit, "open_model", lambda *_arguments, **_options: pytest.fail("the model was opened"))
    with pytest.raises(UsageError) as refused:
        audit(constant, make_table(), label="approved", **{"suite": "quick", **options})
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_outside_images_that_do_not_exist(images_file):
    for ood, says in (("site = B", "is no set of images"), ("nosuch.npz", "there is no file nosuch.npz")):
        with pytest.raises(UsageError, match=says):
            audit(constant, images_file, suite="quick", ood=ood)
