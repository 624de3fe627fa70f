"""torch modules are found by name, filled from safetensors, and refused where weights or shapes do not fit."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from foreign_models import loan_rows, pictures
from safetensors.torch import save_file
from torch import nn

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.subjects import open_subject

SOURCE = """
import torch
from torch import nn

def build():
    return nn.Sequential(nn.Linear({d}, 8), nn.ReLU(), nn.Linear(8, 2))

def broken():
    raise RuntimeError("no data here")

def number():
    return 3

ready = build()
"""


def refusal(*arguments, **options) -> str:
    with pytest.raises(UsageError) as refused:
        open_subject(*arguments, **options)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def width() -> int:
    return loan_rows().problem.encoder.n_features


@pytest.fixture
def package(workdir, monkeypatch):
    """A module in the current folder, forgotten afterwards."""
    (workdir / "their_models.py").write_text(SOURCE.format(d=width()), encoding="utf-8")
    monkeypatch.delitem(sys.modules, "their_models", raising=False)
    yield workdir
    sys.modules.pop("their_models", None)


@pytest.fixture
def trained():
    torch.manual_seed(5)
    return nn.Sequential(nn.Linear(width(), 8), nn.ReLU(), nn.Linear(8, 2)).eval()


def expected(module):
    with torch.no_grad():
        z = module(torch.from_numpy(loan_rows().x)).numpy()
    return z[:, 1] - z[:, 0]


@pytest.mark.parametrize("form", ["safetensors", "pt", "nested", "parallel"])
def test_weights_of_every_form(package, trained, form):
    state = trained.state_dict()
    path = package / ("w.safetensors" if form == "safetensors" else "w.pt")
    if form == "safetensors":
        save_file(state, path)
    elif form == "nested":
        torch.save({"epoch": 3, "state_dict": state}, path)
    elif form == "parallel":
        torch.save({f"module.{key}": value for key, value in state.items()}, path)
    else:
        torch.save(state, path)
    subject = open_subject("their_models:build", loan_rows(), weights=path)
    assert np.allclose(subject.answer(loan_rows().inputs).margin, expected(trained), atol=1e-5)
    assert subject.size_bytes == path.stat().st_size
    assert subject.parameters == sum(value.numel() for value in state.values())
    assert subject.name == "their_models.build"


def test_a_module_that_is_there_already(package):
    subject = open_subject("their_models:ready", loan_rows())
    assert any("no --weights" in note for note in subject.notes)


def test_a_module_just_built_is_in_training_mode_without_alarm(package):
    (package / "their_models.py").write_text(
        SOURCE.format(d=width()).replace("nn.ReLU()", "nn.Dropout()"), encoding="utf-8"
    )
    subject = open_subject("their_models:build", loan_rows())
    check = next(check for check in subject.checks if check.name == "train_mode_left_on")
    assert (check.fired, check.value) == (False, 0)
    assert check.detail == "no layer was left in training mode"
    assert subject.facts["mode"] == "built in training mode, as every new module is: put into evaluation mode"


def test_what_cannot_be_found_or_built(package):
    rows = loan_rows()
    assert "cannot import 'their_model'" in refusal("their_model:build", rows)
    assert "Did you mean 'build'?" in refusal("their_models:biuld", rows)
    assert "failed: no data here" in refusal("their_models:broken", rows)
    assert "returns a int" in refusal("their_models:number", rows)
    assert "there is no file gone.safetensors" in refusal(
        "their_models:build", rows, weights=package / "gone.safetensors"
    ).replace(str(package) + "/", "")


def test_weights_that_do_not_fit(package, trained):
    rows = loan_rows()
    path = package / "w.safetensors"
    save_file({key: value for key, value in trained.state_dict().items() if not key.startswith("2.")}, path)
    assert "it lacks 2.bias, 2.weight" in refusal("their_models:build", rows, weights=path)
    save_file({**trained.state_dict(), "extra": torch.zeros(1)}, path)
    assert "has extra too many" in refusal("their_models:build", rows, weights=path)
    save_file({**trained.state_dict(), "2.bias": torch.zeros(3)}, path)
    assert "2.bias has shape [3], [2] is needed" in refusal("their_models:build", rows, weights=path)
    path.write_bytes(b"nonsense")
    assert "not a safetensors file" in refusal("their_models:build", rows, weights=path)
    (package / "w.h5").write_bytes(b"")
    assert "give a .safetensors file" in refusal("their_models:build", rows, weights=package / "w.h5")


class Trap:
    def __reduce__(self):
        return exec, ("import builtins; builtins.torch_sprung = True",)


def test_weights_that_hold_code_are_not_run(package, trained):
    import builtins

    path = package / "w.pt"
    torch.save({"state_dict": trained.state_dict(), "more": Trap()}, path)
    said = refusal("their_models:build", loan_rows(), weights=path)
    assert "holds more than tensors, and loading that could run code" in said
    assert not hasattr(builtins, "torch_sprung")


def test_shapes_that_do_not_fit(tmp_path):
    rows = loan_rows()
    assert f"takes rows of 99 numbers; the data have {width()} encoded features" in refusal(nn.Linear(99, 2), rows)
    images = pictures(tmp_path)
    said = refusal(nn.Sequential(nn.Flatten(), nn.Linear(5, 4)), images)
    assert "the images of the data have the shape [n, 3, 8, 9], which Sequential refused: mat1 and mat2" in said
    said = refusal(nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 9, 9)), images)
    assert "gives 9 numbers a row, the data have 4 classes (0, 1, 2, 3)" in said
    said = refusal(nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 9, 3)), images)
    assert "gives 3 numbers a row, the data have 4 classes (0, 1, 2, 3); outside 0 to 2: 3" in said
    assert "returns a str" in refusal(Says(), rows)


class Says(nn.Module):
    def forward(self, x):
        return "yes"


class Dictionary(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(width(), 1)

    def forward(self, x):
        return {"hidden": x, "logits": self.linear(x)}


def test_logits_in_a_dictionary():
    module = Dictionary().eval()
    rows = loan_rows()
    z = module.linear(torch.from_numpy(rows.x)).detach().numpy()[:, 0]
    assert np.allclose(open_subject(module, rows).answer(rows.inputs).margin, z, atol=1e-6)


def test_weights_without_a_module(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"x")
    assert "--weights belong to a torch model" in refusal(tmp_path / "model.onnx", loan_rows(), weights=tmp_path / "w")
