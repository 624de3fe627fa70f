"""A quantised network inside a file: it answers as on its own, and attacks on it are judged by it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from scipy.special import expit, softmax

from efficienttrust.compression import (
    Decision,
    DeployedImages,
    DeployedModel,
    ModuleScorer,
    QuantisedScorer,
    export_images,
    export_onnx,
    score_encoded,
)
from efficienttrust.compression import _module_graph as module_graph
from efficienttrust.compression._core import core_of
from efficienttrust.compression._sessions import open_session
from efficienttrust.compression.quantisation import parse_quantisation, quantise
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.ood import represent_scorer
from efficienttrust.evaluation.parent import victim_of, worst_logits
from efficienttrust.evaluation.suite import evaluate_file
from efficienttrust.evaluation.targets import parse_target
from efficienttrust.pipeline._file import export_file
from tests.compression.conftest import adult_like_encoder, adult_like_frame, random_head, random_network
from tests.compression.quantisation.cases import module, rows_of
from tests.small_problems import loans

ENCODER, FRAME = adult_like_encoder(), adult_like_frame(1500, seed=4)
X = ENCODER.transform(FRAME)
D = ENCODER.n_features
CLASSES = tuple(f"kind {k}" for k in range(10))
MLP = random_network((D, 32, 16, 1))


class Regressor(torch.nn.Module):
    """A module of tables with several outputs, or one."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.first, self.last = torch.nn.Linear(D, 48), torch.nn.Linear(48, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        z = self.last(torch.relu(self.first(x)))
        return z.squeeze(1) if z.shape[1] == 1 else z


NUMBERS = ModuleScorer(Regressor(1).eval(), (D,), 1, "numbers", shift=40.0, scale=12.0)
THREE = ModuleScorer(Regressor(3).eval(), (D,), 3, "three")


def quantised(scorer, method: str, rows: np.ndarray) -> QuantisedScorer:
    return quantise(scorer, parse_quantisation(method), rows)


@pytest.mark.parametrize("method", ["int8", "int8, per_channel=0", "int8_dynamic", "int4"])
def test_a_table_file_answers_as_its_network(method):
    scorer = quantised(MLP, method, X[:256])
    head = random_head(D, 2)
    content = export_onnx(None, ENCODER, scorer, Decision(0.3, np.array([0.2, -0.1]), head))
    onnx.checker.check_model(content)
    file = DeployedModel(content)
    z = scorer.score(X)
    np.testing.assert_allclose(file.run(FRAME).score, expit(z.astype(np.float64)), atol=1e-5)
    assert np.abs(z - score_encoded(MLP, X)).max() > 1e-3
    assert file.n_parameters == MLP.n_parameters + head[0].size + head[1].size
    assert content == export_onnx(None, ENCODER, scorer, Decision(0.3, np.array([0.2, -0.1]), head))


def test_the_unit_of_a_regression_comes_after_the_whole_numbers():
    scorer = quantised(NUMBERS, "int8", X[:256])
    file = DeployedModel(export_onnx(None, ENCODER, scorer, Decision(), task="regression"))
    found = file.run(FRAME).score
    np.testing.assert_allclose(found, scorer.score(X), atol=1e-3)
    assert np.abs(found - NUMBERS.score(X)).mean() < 0.02 * NUMBERS.score(X).std()
    assert found.mean() > 20  # the shift of 40 is there


def test_more_than_two_classes():
    scorer = quantised(THREE, "int8", X[:256])
    file = DeployedModel(export_onnx(None, ENCODER, scorer, Decision(), task="multiclass", classes=CLASSES[:3]))
    np.testing.assert_allclose(file.run(FRAME).score, softmax(scorer.score(X).astype(np.float64), axis=1), atol=1e-5)


@pytest.mark.parametrize("outputs", [1, 10])
def test_a_file_of_images_answers_as_its_network(outputs):
    plain = module("resnet8", outputs)
    scorer = quantised(plain, "int8", rows_of(plain, 64))
    classes = CLASSES[: max(outputs, 2)]
    file = DeployedImages(export_images(scorer, Decision(0.1), classes))
    images = rows_of(plain, 30, seed=5)
    said, z = file.run(images), scorer.score(images).astype(np.float64)
    np.testing.assert_allclose(said.score, expit(z) if outputs == 1 else softmax(z, axis=1), atol=1e-5)
    assert file.n_parameters == DeployedImages(export_images(plain, Decision(0.1), classes)).n_parameters
    assert file.size_bytes < DeployedImages(export_images(plain, Decision(0.1), classes)).size_bytes / 2.5


@pytest.mark.parametrize("scorer", [MLP, THREE, NUMBERS], ids=["mlp", "three", "numbers"])
def test_the_float_network_alone_answers_as_its_scorer(scorer):
    z = open_session(core_of(scorer), "core").run(None, {"rows": X})[0]
    expected = score_encoded(scorer, X).reshape(len(X), -1)
    expected = (expected - 40) / 12 if scorer is NUMBERS else expected
    np.testing.assert_allclose(z, expected, atol=1e-4)


def test_a_module_is_exported_once_until_its_weights_change(monkeypatch):
    calls, made = [], module_graph._exported
    monkeypatch.setattr(module_graph, "_exported", lambda scorer: calls.append(1) or made(scorer))
    scorer = ModuleScorer(Regressor(1).eval(), (D,), 1, "numbers")
    export_onnx(None, ENCODER, quantised(scorer, "int8", X[:64]), Decision())
    first = export_onnx(None, ENCODER, scorer, Decision())
    assert len(calls) == 1
    with torch.no_grad():
        scorer.module.last.bias.add_(1.0)
    assert export_onnx(None, ENCODER, scorer, Decision()) != first
    assert len(calls) == 2


PROBLEM = loans()
TRAIN, TEST = PROBLEM.splits["train"], PROBLEM.splits["test"]
SMALL = random_network((PROBLEM.encoder.n_features, 24, 1), seed=2)


@pytest.mark.parametrize("method", ["int8", "int8_dynamic"])
def test_the_exporter_takes_a_quantised_network_and_refuses_another(method):
    scorer = quantised(SMALL, method, TRAIN.x)
    assert DeployedModel(export_file(PROBLEM, scorer, Decision(0.1), {})).n_parameters == SMALL.n_parameters
    other = random_network((PROBLEM.encoder.n_features, 24, 1), seed=3)
    liar = replace(scorer, core=quantised(other, method, TRAIN.x).core)
    liar.__dict__["_session"] = scorer._session  # it says what the first one says, and exports the second
    with pytest.raises(UsageError, match="the scores of its ONNX file differ"):
        export_file(PROBLEM, liar, Decision(0.1), {})


def test_attacks_are_found_on_the_parent_and_judged_by_whole_numbers():
    scorer = quantised(SMALL, "int8", TRAIN.x)
    rows = np.arange(40)
    x, y = TEST.x[rows], TEST.y[rows]
    found = worst_logits(PROBLEM, scorer, x, y, rows, attack="pgd", eps=0.3).z
    parent = worst_logits(PROBLEM, SMALL, x, y, rows, attack="pgd", eps=0.3).z
    sign = np.where(y > 0, 1, -1)
    assert np.all(sign * found <= sign * scorer.score(x) + 1e-6)  # no worse than the row itself says
    assert np.mean(sign * (scorer.score(x) - found)) > 0.1
    assert 0 < np.abs(found - parent).max() < 0.5  # near the parent's, and not the parent's
    assert victim_of(PROBLEM, scorer, x).differentiable


def test_its_features_are_those_of_its_parent_and_its_logits_its_own():
    scorer = quantised(SMALL, "int8", TRAIN.x)
    own, parent = represent_scorer(scorer, TEST.x), represent_scorer(SMALL, TEST.x)
    np.testing.assert_array_equal(own.features, parent.features)
    np.testing.assert_allclose(own.logits.ravel(), scorer.score(TEST.x))
    assert own.notes == parent.notes


def test_a_file_of_whole_numbers_is_attacked_from_its_parent():
    scorer = quantised(SMALL, "int8", TRAIN.x)
    file = DeployedModel(export_file(PROBLEM, scorer, Decision(0.0), {}))
    target = parse_target("robust_accuracy(pgd, eps=0.3) >= 0.1")
    told = [
        evaluate_file(file, PROBLEM, "test", targets=[target], scorer=one, decision=Decision(0.0), seed=0).outcome
        for one in (scorer, SMALL)
    ]
    key = next(iter(told[0].robust))
    np.testing.assert_array_equal(told[0].robust[key], told[1].robust[key])
    assert told[0].robust[key].mean() < np.mean(told[0].prediction == TEST.y)
