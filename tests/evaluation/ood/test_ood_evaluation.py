"""All detectors from one pass: measured against each outside set, by group, as plain values of an audit document."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from ood_worlds import NAMES, make_world
from scipy.special import softmax

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.ood import Representation, detectors, evaluate_ood, ood_document
from efficienttrust.evaluation.ood.catalogue.energy import Energy
from efficienttrust.metrics import Outcome, measure
from efficienttrust.metrics.ood import auroc

WORLD = make_world()
CODES = np.random.default_rng(5).integers(0, 2, WORLD.inside.n)
GROUPS = {"site": (CODES, ("first", "second"))}


def evaluate(**changes):
    arguments = {
        "fit": WORLD.fit,
        "inside": WORLD.inside,
        "outside": {"elsewhere": WORLD.outside, "same": make_world(9).outside},
        "groups": GROUPS,
        "nearness": {"elsewhere": "far", "same": "near"},
    }
    return evaluate_ood(**(arguments | changes))


def test_every_detector_on_every_set() -> None:
    results = evaluate()
    assert [(result.against, result.nearness, result.n) for result in results] == [
        ("elsewhere", "far", 300),
        ("same", "near", 300),
    ]
    for result in results:
        assert [one.name for one in result.detectors] == NAMES
        for one in result.detectors:
            inside, outside = result.scores[one.name]
            assert one.auroc.value == auroc(inside, outside).value
            assert one.auroc.name == f"ood_auroc({one.name})"
            assert one.fpr_at_95_tpr.low <= one.fpr_at_95_tpr.value <= one.fpr_at_95_tpr.high


def test_scores_are_those_of_the_detector_alone() -> None:
    knn = detectors.get("knn")().fit(WORLD.fit.features, None)
    inside, outside = evaluate(detectors=["knn"])[0].scores["knn"]
    assert inside == pytest.approx(knn.score(WORLD.inside.features, None))
    assert outside == pytest.approx(knn.score(WORLD.outside.features, None))


def test_scores_fit_an_outcome() -> None:
    nothing = np.zeros(WORLD.inside.n)
    result = evaluate(detectors=["msp"])[0]
    outcome = Outcome(y=nothing, prediction=nothing, score=nothing, groups=CODES, ood=result.scores)
    assert measure("aupr_out", outcome, {"detector": "msp"}) == result.detectors[0].aupr_out


def test_rows_like_the_inside_ones_cannot_be_told_apart() -> None:
    """Planted truth: the outside rows follow the law of the inside rows."""
    fit, inside, other = WORLD.fit, WORLD.inside, make_world(0, m=4000).inside
    (result,) = evaluate(
        fit=fit, inside=dataclasses.replace(other), outside={"twin": inside}, groups=None, nearness={"twin": "near"}
    )
    for one in result.detectors:
        assert one.auroc.low < 0.5 < one.auroc.high
        assert one.by_group == {}


def test_a_group_that_looks_stranger_has_more_false_alarms() -> None:
    x = WORLD.inside.features + np.where(CODES == 1, 1.5, 0.0)[:, None]
    strange = Representation(x, x @ WORLD.weight + WORLD.bias)
    (one,) = evaluate(inside=strange, detectors=["mahalanobis"])[0].detectors
    first, second = one.by_group["site"]
    inside = detectors.get("mahalanobis")().fit(WORLD.fit.features, None, WORLD.fit.y).score(x, None)
    threshold = np.sort(inside)[len(inside) * 5 // 100]
    for row, code in ((first, 0), (second, 1)):
        assert row["value"] == pytest.approx(np.mean(inside[code == CODES] < threshold))
        assert row["low"] <= row["value"] <= row["high"]
        assert row["n"] == np.sum(code == CODES)
    assert one.gaps["site"].value == pytest.approx(second["value"] - first["value"])
    assert one.gaps["site"].low > 0


def test_the_document_is_plain() -> None:
    document = ood_document(evaluate())
    assert json.loads(json.dumps(document)) == document
    assert set(document) == {"sets", "notes"}
    one = document["sets"][0]["detectors"][0]
    assert set(one) == {"name", "auroc", "fpr_at_95_tpr", "aupr_in", "aupr_out", "by_group", "gaps"}
    assert set(one["auroc"]) == {"name", "value", "low", "high", "n", "how", "definition", "note"}
    assert [row["group"] for row in one["by_group"]["site"]] == ["first", "second"]
    without = ood_document(evaluate(groups=None))["sets"][0]["detectors"][0]
    assert without["by_group"] is None
    assert without["gaps"] is None


def test_detectors_with_settings_of_their_own() -> None:
    (one,) = evaluate(detectors=[Energy(temperature=5.0)])[0].detectors
    (plain,) = evaluate(detectors=["energy"])[0].detectors
    assert one.name == plain.name == "energy"
    assert one.auroc.value != plain.auroc.value


def test_what_cannot_be_run_is_left_out_with_a_note() -> None:
    features_only = (dataclasses.replace(rows, logits=None) for rows in (WORLD.fit, WORLD.inside, WORLD.outside))
    fit, inside, outside = features_only
    (result,) = evaluate(fit=fit, inside=inside, outside={"elsewhere": outside})
    assert [one.name for one in result.detectors] == ["knn", "mahalanobis", "relative_mahalanobis"]
    assert "energy was not run: it needs logits" in result.notes
    with pytest.raises(UsageError, match="energy needs logits of the fit rows"):
        evaluate(fit=fit, detectors=["energy"])
    with pytest.raises(UsageError, match="no detector can be run"):
        evaluate(fit=Representation())


def test_notes_are_said_once() -> None:
    few = dataclasses.replace(make_world(n=20).fit, notes=("from layer 3",))
    few = dataclasses.replace(few, y=np.zeros(20, dtype=int))
    notes = ood_document(evaluate(fit=few))["notes"]
    assert len(notes) == len(set(notes))
    assert "from layer 3" in notes
    assert "no fit rows of class 1, 2: distances to classes do not know them" in notes
    assert "knn: k is 20, as there are no more fit rows" in notes


def test_log_probabilities_have_no_energy() -> None:
    def normalised(rows: Representation) -> Representation:
        return Representation(logits=np.log(softmax(rows.logits, axis=1)).astype(np.float32))

    fit, inside, outside = (normalised(rows) for rows in (WORLD.fit, WORLD.inside, WORLD.outside))
    notes = evaluate(fit=fit, inside=inside, outside={"elsewhere": outside})[0].notes
    assert any(note.startswith("energy is the same for every row") for note in notes)
    assert not any("energy is the same" in note for note in evaluate()[0].notes)


def test_an_empty_outside_set_is_not_estimated() -> None:
    empty = Representation(np.zeros((0, 8)), np.zeros((0, 3)))
    result = evaluate(outside={"elsewhere": empty})[0]
    assert all(np.isnan(one.auroc.value) for one in result.detectors)
    assert "0 out-of-distribution" in result.detectors[0].auroc.note
    assert not np.isnan(result.detectors[0].gaps["site"].value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inside": WORLD.fit}, "fit and inside are the same rows"),
        ({"nearness": {"elsewhere": "far"}}, "nearness of 'same' must be 'near' or 'far', not None"),
        ({"nearness": {"elsewhere": "far", "same": "close"}}, "must be 'near' or 'far', not 'close'"),
        ({"detectors": ["knm"]}, r"unknown OOD detector 'knm'. Did you mean 'knn'\?"),
        ({"detectors": ["knn", "knn"]}, "detector 'knn' is given twice"),
        ({"groups": {"site": (CODES[:-1], ("a", "b"))}}, "groups of 'site' have 299 rows, inside has 300"),
        (
            {"outside": {"elsewhere": Representation(np.full((3, 8), np.nan), np.zeros((3, 3)))}},
            "rows of 'elsewhere': .* are not finite in 3 rows",
        ),
    ],
)
def test_mistakes_are_named(changes, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        evaluate(**changes)
