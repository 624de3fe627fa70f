"""The suite measures the exported file: robust figures never exceed clean ones, and what is not a number is refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from efficienttrust.compression import Decision, DeployedModel, NetworkScorer, export_onnx
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.proof import prove
from efficienttrust.evaluation.suite import check_measurable, evaluate_file, measure_all
from efficienttrust.evaluation.targets import parse_target
from efficienttrust.models import build_mlp
from tests.small_problems import loans

PROBLEM = loans(sensitive="sex,region")
TARGETS = [
    parse_target(text)
    for text in (
        "dpd(by=sex) <= 0.5",
        "robust_accuracy(pgd, eps=0.2) >= 0.3",
        "robust_accuracy(coordinate, eps=0.2) >= 0.3",
        "worst_group_robust_accuracy(pgd, eps=0.2) >= 0.1",
        "robust_accuracy(fgsm, eps=0.2) >= 0.3",
    )
]


def exported(scorer: NetworkScorer, decision: Decision) -> DeployedModel:
    return DeployedModel(export_onnx(None, PROBLEM.encoder, scorer, decision))


SCORER = NetworkScorer(build_mlp(n_features=PROBLEM.encoder.n_features, widths=(8,), seed=0).layers())
DECISION = Decision(0.0)
FILE = exported(SCORER, DECISION)


def evaluated(split="test", targets=TARGETS, seed=0):
    return evaluate_file(FILE, PROBLEM, split, targets, scorer=SCORER, decision=DECISION, seed=seed).outcome


def test_robust_accuracy_is_at_most_accuracy_and_no_attack_alone_is_stronger():
    found = measure_all(evaluated(), TARGETS)
    values = {
        target.arguments[0][1]: found[target.key].value for target in TARGETS if target.metric == "robust_accuracy"
    }
    assert max(values.values()) <= found["accuracy"].value
    assert values["pgd"] <= values["coordinate"], "the search on the file runs against every target"
    assert values["pgd"] <= values["fgsm"] + 0.02


def test_every_metric_and_target_is_measured_with_its_interval():
    found = measure_all(evaluated(), TARGETS)
    for target in TARGETS:
        assert target.key in found
    assert {"accuracy", "auc", "f1", "log_loss", "mcc", "equalized_odds_difference", "calibration_error"} <= set(found)
    assert "demographic_parity_difference(by=region)" in found
    for key, one in found.items():
        assert key == one.name
        assert np.isnan(one.value) or one.low <= one.value <= one.high, key
        assert not np.isnan(one.value) or one.note, key


def test_a_row_is_right_under_attack_only_if_it_is_right():
    outcome = evaluated()
    for key, standing in outcome.robust.items():
        rows = outcome.robust_rows[key]
        assert not np.any(standing & (outcome.prediction[rows] != outcome.y[rows])), key


def test_the_same_seed_gives_the_same_answers():
    one, again = evaluated(seed=4), evaluated(seed=4)
    assert all(np.array_equal(one.robust[key], again.robust[key]) for key in one.robust)


def test_nothing_is_attacked_without_a_robustness_target():
    outcome = evaluated(targets=TARGETS[:1])
    assert outcome.robust == {}
    assert "accuracy" in measure_all(outcome, TARGETS[:1])


def test_an_answer_that_is_not_a_number_is_refused():
    weight, bias = SCORER.layers[-1]
    broken = NetworkScorer((*SCORER.layers[:-1], (weight, bias * np.float32("nan"))))
    with pytest.raises(UsageError, match="NaN for 120 rows of test"):
        evaluate_file(exported(broken, DECISION), PROBLEM, "test", [], scorer=broken, decision=DECISION, seed=0)


def test_an_unknown_attack_is_refused_with_a_suggestion():
    with pytest.raises(UsageError, match="Did you mean 'pgd'"):
        check_measurable([parse_target("robust_accuracy(pgdd, eps=0.1) >= 0.5")])


def test_the_proof_tells_what_was_traded():
    proof = prove(PROBLEM, TARGETS, FILE, SCORER, DECISION, seed=0)
    assert [stage.name for stage in proof.stages] == ["constant prediction", "trained, before calibration", "deployed"]
    constant, raw, deployed = (stage.metrics for stage in proof.stages)
    y = PROBLEM.splits["test"].y
    majority = PROBLEM.splits["train"].y.mean() > 0.5
    assert constant["accuracy"].value == pytest.approx(np.mean(y == majority))
    assert constant[TARGETS[0].key].value == 0
    assert constant[TARGETS[1].key].value == pytest.approx(constant["accuracy"].value), "no attack moves a constant"
    for target in TARGETS:
        assert deployed[target.key].value == proof.measurements[target.key].value
        assert raw[target.key].value == pytest.approx(deployed[target.key].value, abs=0.05), "threshold 0 in both"
    without = prove(PROBLEM, TARGETS, FILE, SCORER, DECISION, seed=0, with_stages=False)
    assert without.stages == ()
    assert [v.value for v in without.verdicts] == [v.value for v in proof.verdicts]


def test_predictions_hold_the_weights_that_figures_rest_on():
    part = PROBLEM.splits["test"]
    weight = np.linspace(0.5, 2, len(part.y)).astype(np.float32)
    weighted = dataclasses.replace(PROBLEM, splits={**PROBLEM.splits, "test": dataclasses.replace(part, weight=weight)})
    predictions = prove(weighted, [], FILE, SCORER, DECISION, seed=0).predictions
    np.testing.assert_array_equal(predictions["weight"], weight)
    assert "weight" not in prove(PROBLEM, [], FILE, SCORER, DECISION, seed=0).predictions
