"""The file of a torch module is compared with the module on training rows before it is believed."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from efficienttrust.compression import Decision, ModuleScorer
from efficienttrust.data import Problem
from efficienttrust.errors import EfficientTrustError, UsageError
from efficienttrust.pipeline import _file
from efficienttrust.pipeline._file import export_file
from efficienttrust.training import described, inputs_of
from tests.small_problems import loans
from tests.training.module_cases import images, write_images


@cache
def table() -> Problem:
    return loans()


class Plain(nn.Module):
    """One layer on the flattened row."""

    def __init__(self, d: int, outputs: int = 1) -> None:
        super().__init__()
        self.layer = nn.Linear(d, outputs)

    def forward(self, rows: Tensor) -> Tensor:
        z: Tensor = self.layer(rows.flatten(1))
        return z.squeeze(1) if z.shape[1] == 1 else z


class Remembering(Plain):
    """Multiplies by how often it was asked, which the file cannot know."""

    asked = 0

    def forward(self, rows: Tensor) -> Tensor:
        self.asked += 1
        return super().forward(rows) * self.asked


class BatchCentred(Plain):
    """Subtracts the mean of the batch: a row's answer depends on the others."""

    def forward(self, rows: Tensor) -> Tensor:
        return super().forward(rows - rows.mean(0))


class Undefined(Plain):
    """Takes the logarithm of what is below 0."""

    def forward(self, rows: Tensor) -> Tensor:
        return torch.log(-super().forward(rows).square() - 1)


class Deciding(Plain):
    """Leaves the graph through a Python condition."""

    def forward(self, rows: Tensor) -> Tensor:
        return super().forward(rows) if rows.sum() > 0 else -super().forward(rows)


def export(problem: Problem, module: nn.Module, outputs: int = 1, **unit: float) -> bytes:
    inputs = inputs_of(problem, 0)
    scorer = ModuleScorer(module.eval(), inputs.shape, outputs, "own:net", {}, described(inputs), **unit)
    return export_file(problem, scorer, Decision(0.3), {})


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Remembering, "the scores of its ONNX file differ from its own by up to 0."),
        (BatchCentred, "that treat each row alone"),
        (Undefined, "answers 64 of 64 training rows with NaN or infinite logits"),
    ],
)
def test_a_file_that_answers_otherwise_is_refused(kind, said):
    with pytest.raises(UsageError) as refused:
        export(table(), kind(table().encoder.n_features))
    assert str(refused.value).startswith("network 'own:net'")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.slow
def test_what_cannot_be_exported_says_why_and_nothing_else(capfd):
    with pytest.raises(EfficientTrustError) as refused:
        export(table(), Deciding(table().encoder.n_features))
    assert "cannot be exported to ONNX (GuardOnDataDependentSymNode: Could not guard" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "\x1b" not in str(refused.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("classes", [pytest.param(2, marks=pytest.mark.slow), 3])
def test_images_are_compared_too(tmp_path, classes):
    problem = images(write_images(tmp_path, classes))
    d, outputs = int(np.prod(problem.splits["train"].pixels.shape)), problem.outputs
    with pytest.raises(UsageError, match="differ from its own"):
        export(problem, Remembering(d, outputs), outputs)


def test_the_largest_difference_is_the_one_that_was_planted(monkeypatch):
    """The file of one network beside the scores of another, whose logits lie 0.5 above."""
    problem, module = table(), Plain(table().encoder.n_features)
    content, inputs = export(problem, module), inputs_of(problem, 0)
    rows = problem.splits["train"].x[:64]
    z = ModuleScorer(module, inputs.shape, 1, "own:net").score(rows).astype(np.float64)
    with torch.no_grad():
        module.layer.bias += 0.5
    monkeypatch.setattr(_file, "export_onnx", lambda *arguments, **options: content)
    apart = np.max(np.abs(1 / (1 + np.exp(-z)) - 1 / (1 + np.exp(-z - 0.5))))
    with pytest.raises(UsageError, match=f"differ from its own by up to {apart:.3g} on 64 training rows"):
        export(problem, module)
    with torch.no_grad():
        module.layer.bias += 1e-5 - 0.5
    assert export(problem, module) == content, "what rounding explains is no difference"
