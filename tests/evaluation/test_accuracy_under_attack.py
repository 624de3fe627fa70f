"""One call from arrays to a measurement: it equals the closed form on a linear model, and refuses what cannot be."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.attacked import accuracy_under_attack
from tests.threats.pictures import convolutional, pictures, two_logits


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("as_numpy", [False, True])
def test_on_a_linear_model_it_is_the_closed_form(norm: str, as_numpy: bool) -> None:
    x, y = pictures(200)
    model, weights = two_logits(x)
    with torch.no_grad():
        logits = model(x)
    margin = (2 * y - 1) * (logits[:, 1] - logits[:, 0])
    dual = float(weights.abs().sum() if norm == "linf" else weights.norm())
    eps = float(margin[margin > 0].median()) / dual
    given = (x.numpy(), y.numpy()) if as_numpy else (x, y)
    found = accuracy_under_attack(model, *given, eps=eps, norm=norm, attack="apgd_ce")
    exact = float((margin - eps * dual > 0).float().mean())
    assert found.value == pytest.approx(exact, abs=1.5 / 200)
    assert found.low < exact < found.high
    assert found.n == 200
    assert found.name.startswith("robust_accuracy(apgd_ce, eps=")


def test_with_seconds_it_says_on_how_many_rows() -> None:
    x, _ = pictures(900)
    model = convolutional()
    y = model(x).argmax(1)
    assert accuracy_under_attack(model, x, y, eps=0.003, attack="pgd", seconds=0.0).n == 50


def test_one_logit_is_a_binary_model() -> None:
    x, y = pictures(60)
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(x[0].numel(), 1))
    found = accuracy_under_attack(model, x, y, eps=1e-6, attack="pgd")
    with torch.no_grad():
        assert found.value == pytest.approx(float(((model(x).squeeze(1) > 0) == (y > 0)).float().mean()))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": np.array([0, 1, 7])}, r"labels run from 0 to 7, the model has 2 classes: 0 to 1"),
        ({"y": np.array([0, 1])}, r"3 inputs and 2 labels"),
        ({"x": torch.full((3, 1, 2, 2), 128.0)}, r"span 128 to 128, the declared box is 0 to 1"),
        ({"x": torch.zeros(0, 1, 2, 2), "y": np.zeros(0)}, r"there are no rows"),
        ({"eps": 8}, r"write 8/255"),
        ({"attack": "pdg"}, r"Did you mean 'pgd'"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, object], message: str) -> None:
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2))
    given = {"x": torch.full((3, 1, 2, 2), 0.5), "y": np.array([0, 1, 0]), "eps": 0.01, "attack": "pgd", **change}
    with pytest.raises(UsageError, match=message):
        accuracy_under_attack(model, given.pop("x"), given.pop("y"), **given)
