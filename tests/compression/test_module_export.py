"""A torch module inside the file of a table: raw columns in, the same answers out as from its float parent."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
import torch
from scipy.special import expit, softmax
from torch import nn

from efficienttrust.compression import (
    Decision,
    DeployedModel,
    ModuleScorer,
    cut_encoded,
    export_onnx,
    score_encoded,
)
from efficienttrust.compression import _module_graph as module_graph
from efficienttrust.compression._graph import Graph
from efficienttrust.data import Attribute
from efficienttrust.errors import EfficientTrustError

from .conftest import adult_like_encoder, adult_like_frame, random_head

ENCODER = adult_like_encoder()
FRAME = adult_like_frame(1500, seed=4)
X = ENCODER.transform(FRAME)
D = ENCODER.n_features
OFFSETS = np.array([0.4, -0.3])
SEX = Attribute("sex", ("Female", "Male"))
ATOL = 1e-4


class Gated(nn.Module):
    """Norms, a gate, a buffer and a skip: what a layer-by-layer export would not know."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.first, self.gate, self.last = nn.Linear(D, 16), nn.Linear(D, 16), nn.Linear(16, outputs)
        self.norm = nn.LayerNorm(16)
        self.batch = nn.BatchNorm1d(16)
        self.register_buffer("centre", torch.linspace(-1, 1, D))
        self.outputs = outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.batch(torch.relu(self.first(x - self.centre)) * torch.sigmoid(self.gate(x)))
        z = self.last(self.norm(h) + h)
        return z.squeeze(1) if self.outputs == 1 else z


def gated(outputs: int, seed: int = 0) -> ModuleScorer:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = Gated(outputs)
        module.batch.running_mean.normal_()
        module.batch.running_var.uniform_(0.5, 2.0)
    return ModuleScorer(module.eval(), (D,), outputs, "gated")


ONE, FOUR = gated(1), gated(4)


@pytest.fixture(scope="module", autouse=True)
def exported_once():
    """Let torch trace each module once: that takes seconds."""
    patched = pytest.MonkeyPatch()
    patched.setattr(module_graph, "_exported", functools.cache(module_graph._exported))
    yield
    patched.undo()


def opened(scorer: ModuleScorer, decision: Decision, **more: object) -> tuple[DeployedModel, bytes]:
    content = export_onnx(None, ENCODER, scorer, decision, **more)
    onnx.checker.check_model(content, full_check=True)
    return DeployedModel(content), content


@pytest.mark.parametrize("rule", ["threshold", "inferred"])
def test_a_blind_file_says_what_its_parent_says(rule):
    head = random_head(D, 2)
    decision = Decision(0.3) if rule == "threshold" else Decision(0.3, OFFSETS, head)
    said = opened(ONE, decision)[0].run(FRAME)
    z = score_encoded(ONE, X)
    assert z.std() > 0.1, "the module answers"
    margin = z - cut_encoded(decision, X)
    np.testing.assert_allclose(said.score, expit(z.astype(np.float64)), atol=ATOL)
    np.testing.assert_allclose(said.margin, margin, atol=ATOL)
    np.testing.assert_array_equal(said.decision, said.margin > 0)
    clear = np.abs(margin) > ATOL
    np.testing.assert_array_equal(said.decision[clear], margin[clear] > 0)


def test_an_aware_file_reads_the_group_of_the_row():
    decision = Decision(0.1, OFFSETS, by_group=True)
    model, _ = opened(ONE, decision, attributes={"sex": SEX}, group_names=("Female", "Male"))
    sex = np.array([None, "Female", "Male"], dtype=object)[np.arange(len(FRAME)) % 3]
    said = model.run(FRAME.assign(sex=sex))
    expected = score_encoded(ONE, X) - np.array([0.1, 0.5, -0.2])[np.arange(len(FRAME)) % 3]
    np.testing.assert_allclose(said.margin, expected, atol=ATOL)


def test_more_classes_come_with_their_probabilities():
    names = ("a", "b", "c", "d")
    model, _ = opened(FOUR, Decision(), task="multiclass", classes=names)
    assert model.classes == names
    said = model.run(FRAME)
    z = score_encoded(FOUR, X)
    ordered = np.sort(z, axis=1)
    np.testing.assert_allclose(said.score, softmax(z.astype(np.float64), axis=1), atol=ATOL)
    np.testing.assert_allclose(said.margin, ordered[:, -1] - ordered[:, -2], atol=ATOL)
    clear = ordered[:, -1] - ordered[:, -2] > ATOL
    np.testing.assert_array_equal(said.decision[clear], z.argmax(axis=1)[clear])
    assert (said.score.dtype, said.decision.dtype) == (np.float32, np.int64)


@pytest.mark.parametrize("rows", [0, 1, 2, 1025])
def test_batches_of_any_size_give_the_same_rows(rows):
    model, _ = opened(ONE, Decision(0.3))
    np.testing.assert_allclose(model.run(FRAME.head(rows)).margin, model.run(FRAME).margin[:rows], atol=1e-6)


def test_a_row_of_missing_and_unseen_values_has_an_answer():
    model, _ = opened(ONE, Decision())
    odd = pd.DataFrame({name: [np.nan] if name in FRAME.select_dtypes(float) else ["?"] for name in FRAME})
    said = model.run(odd)
    np.testing.assert_allclose(said.margin, score_encoded(ONE, ENCODER.transform(odd)), atol=ATOL)


def test_the_same_weights_give_the_same_bytes_and_are_left_alone():
    _, first = opened(ONE, Decision(0.3), metadata={"a": "b"})
    other = gated(1)
    other.module.train()
    before = {name: value.clone() for name, value in other.module.state_dict().items()}
    assert opened(other, Decision(0.3), metadata={"a": "b"})[1] == first
    assert other.module.training
    assert all(torch.equal(value, before[name]) for name, value in other.module.state_dict().items())
    assert all(parameter.requires_grad for parameter in other.module.parameters())


def test_the_file_says_nothing_of_where_it_was_made():
    content = opened(ONE, Decision())[1]
    for trace in (str(Path.home()), str(Path(__file__).parent), "site-packages", ".py", "stack_trace", "torch.nn"):
        assert trace.encode() not in content, trace
    graph = onnx.load_model_from_string(content).graph
    for thing in (*graph.node, *graph.initializer):
        assert thing.doc_string == ""
        assert not thing.metadata_props


PLAIN = ModuleScorer(
    nn.Sequential(nn.Linear(D, 64), nn.ReLU(), nn.Linear(64, 1), nn.Flatten(0)).eval(), (D,), 1, "plain"
)


def test_the_file_is_little_more_than_its_weights():
    content = opened(PLAIN, Decision())[1]
    encoding = len(opened(ONE, Decision())[1]) - 4 * ONE.n_parameters
    assert 4 * PLAIN.n_parameters < len(content) < 4 * PLAIN.n_parameters + 1.2 * encoding


def test_parameters_are_counted():
    assert PLAIN.n_parameters == D * 64 + 64 + 64 + 1
    assert opened(PLAIN, Decision())[0].n_parameters == PLAIN.n_parameters
    assert opened(PLAIN, Decision(0.0, OFFSETS, random_head(D, 2)))[0].n_parameters == PLAIN.n_parameters + 2 * D + 2


def test_what_cannot_be_exported_is_named_in_one_line():
    class Stubborn(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[:, 0] * float(np.sin(x.sum().item()))

    scorer = ModuleScorer(Stubborn(), (D,), 1, "stubborn")
    with pytest.raises(EfficientTrustError, match="network 'stubborn' cannot be exported to ONNX") as refused:
        module_graph.add_module(Graph(["rows"]), scorer, "rows")
    assert "\n" not in str(refused.value)


def test_rows_of_another_shape_are_refused_by_the_parent():
    with pytest.raises(ValueError, match="rows of shape"):
        ONE.score(X[:, :-1])
    assert ONE.score(X[:0]).shape == (0,)
    assert FOUR.score(X[:0]).shape == (0, 4)


def test_the_parent_answers_row_by_row(monkeypatch):
    from efficienttrust.compression import _module_scorer

    whole = FOUR.score(X)
    monkeypatch.setattr(_module_scorer, "CELLS_AT_ONCE", 7 * D)
    np.testing.assert_allclose(FOUR.score(X), whole, atol=1e-5)
