"""Files of more than two classes and of numbers say what their float parent says, whatever the columns are called."""

from __future__ import annotations

import numpy as np
import onnx
import pandas as pd
import pytest
import torch
from torch import nn

from efficienttrust.compression import Decision, DeployedModel, ModuleScorer, NetworkScorer, export_onnx
from efficienttrust.data import CategoricalFeature, Encoder, NumericFeature
from efficienttrust.errors import UsageError

CLASSES = ("ash", "oak", "fir")
NAMES = ("first", "second", "score", "best", "two")
"""Columns named as tensors of the graph are."""


def encoder() -> Encoder:
    numeric = tuple(NumericFeature(name, True, 0.5, 1.0, 2.0, -9.0, 9.0, indicator=True) for name in NAMES)
    return Encoder(numeric=numeric, categorical=(CategoricalFeature("decision", ("a", "b"), True),))


def frame(n: int = 700) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({name: rng.normal(size=n) for name in NAMES})
    table.loc[::9, "first"] = np.nan
    return table.assign(decision=rng.choice(np.array(["a", "b", "unseen", None], dtype=object), n))


class Head(nn.Module):
    """A hidden layer and some outputs; one comes as [n]."""

    def __init__(self, d: int, outputs: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers, self.outputs = nn.Sequential(nn.Linear(d, 8), nn.Tanh(), nn.Linear(8, outputs)), outputs
        nn.init.normal_(self.layers[2].weight, std=2.0)  # so that no class is always first

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        z: torch.Tensor = self.layers(x)
        return z.squeeze(1) if self.outputs == 1 else z


def scorer(outputs: int, shift: float = 0.0, scale: float = 1.0) -> ModuleScorer:
    d = encoder().n_features
    return ModuleScorer(Head(d, outputs).eval(), (d,), outputs, "mine", shift=shift, scale=scale)


@pytest.fixture(scope="module")
def of_classes() -> DeployedModel:
    return DeployedModel(export_onnx(None, encoder(), scorer(3), Decision(), task="multiclass", classes=CLASSES))


@pytest.fixture(scope="module")
def of_numbers() -> DeployedModel:
    return DeployedModel(export_onnx(None, encoder(), scorer(1, 2000.0, 30.0), Decision(), task="regression"))


def test_scores_margins_and_decisions_are_those_of_the_parent(of_classes: DeployedModel) -> None:
    table = frame()
    z = scorer(3).score(encoder().transform(table)).astype(np.float64)
    shares = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    ordered = np.sort(z, axis=1)
    said = of_classes.run(table)
    np.testing.assert_allclose(said.score, shares, atol=1e-5)
    np.testing.assert_allclose(said.margin, ordered[:, -1] - ordered[:, -2], atol=1e-4)
    sure = ordered[:, -1] - ordered[:, -2] > 1e-4
    np.testing.assert_array_equal(said.decision[sure], z.argmax(axis=1)[sure])
    assert len(np.unique(said.decision)) > 1


def test_numbers_are_in_the_unit_of_the_label(of_numbers: DeployedModel) -> None:
    table = frame()
    plain = scorer(1).score(encoder().transform(table)).astype(np.float64)
    said = of_numbers.run(table)
    np.testing.assert_allclose(said.score, 2000.0 + 30.0 * plain, atol=30 * 1e-4)
    np.testing.assert_allclose(scorer(1, 2000.0, 30.0).score(encoder().transform(table)), said.score, atol=30 * 1e-4)
    assert said.margin.shape == said.decision.shape == (0,)


def test_a_file_says_what_it_is_for(of_classes: DeployedModel, of_numbers: DeployedModel) -> None:
    assert (of_classes.task, of_classes.classes) == ("multiclass", CLASSES)
    assert (of_numbers.task, of_numbers.classes) == ("regression", ())
    linear = NetworkScorer(((np.zeros((encoder().n_features, 1)), np.zeros(1)),))
    binary = DeployedModel(export_onnx(None, encoder(), linear, Decision(0.3)))
    assert (binary.task, binary.classes) == ("binary", ())
    assert not [key for key in binary.metadata if "task" in key or "classes" in key]


def test_the_number_of_rows_does_not_matter(of_classes: DeployedModel, of_numbers: DeployedModel) -> None:
    table = frame(1500)  # more than one call of the session
    for file in (of_classes, of_numbers):
        whole = file.run(table)
        for rows in ([7], [1400, 3, 3]):
            np.testing.assert_allclose(file.run(table.iloc[rows]).score, whole.score[rows], rtol=1e-5, atol=1e-5)
        assert file.single_row_call(table) is not None
    assert of_classes.run(table.head(0)).score.shape == (0, 3)
    assert of_numbers.run(table.head(0)).score.shape == (0,)


def test_files_pass_the_checker_and_are_the_same_twice(of_classes: DeployedModel) -> None:
    content = export_onnx(None, encoder(), scorer(3), Decision(), task="multiclass", classes=CLASSES)
    assert DeployedModel(content).size_bytes == of_classes.size_bytes
    assert export_onnx(None, encoder(), scorer(3), Decision(), task="multiclass", classes=CLASSES) == content
    onnx.checker.check_model(onnx.load_model_from_string(content), full_check=True)


def test_classes_and_logits_have_to_agree() -> None:
    with pytest.raises(ValueError, match="3 logits, there are 2 classes"):
        export_onnx(None, encoder(), scorer(3), Decision(), task="multiclass", classes=("a", "b"))
    binary = NetworkScorer(((np.zeros((encoder().n_features, 1)), np.zeros(1)),))
    with pytest.raises(ValueError, match="1 logits, there are 3 classes"):
        export_onnx(None, encoder(), binary, Decision(), task="multiclass", classes=CLASSES)


def test_a_file_whose_outputs_do_not_fit_its_task_is_not_ours() -> None:
    binary = NetworkScorer(((np.zeros((encoder().n_features, 1)), np.zeros(1)),))
    content = export_onnx(None, encoder(), binary, Decision(), metadata={"efficienttrust_task": "regression"})
    with pytest.raises(UsageError, match="EfficientTrust did not write"):
        DeployedModel(content)
