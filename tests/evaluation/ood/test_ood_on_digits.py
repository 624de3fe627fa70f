"""A real case: a network trained on the digits 0 to 4 meets 5 to 9."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from ood_worlds import NAMES
from sklearn.datasets import load_digits
from torch import nn

from efficienttrust.evaluation.ood import OutsideResult, evaluate_ood, represent_module


@pytest.fixture(scope="module")
def results() -> list[OutsideResult]:
    x, y = load_digits(return_X_y=True)
    x, rng = torch.from_numpy(x / 16).float(), np.random.default_rng(0)
    known = rng.permutation(np.flatnonzero(y < 5))
    train, test = known[:600], known[600:]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 5))
    weights, labels = list(module.parameters()), torch.from_numpy(y)
    for _ in range(300):  # plain gradient descent: the first optimiser of torch.optim would import for seconds
        loss = nn.functional.cross_entropy(module(x[train]), labels[train])
        gradient = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            torch._foreach_add_(weights, gradient, alpha=-0.3)
    assert (module(x[test]).argmax(1).numpy() == y[test]).mean() > 0.95
    return evaluate_ood(
        represent_module(module, x[train], y[train]),
        represent_module(module, x[test], y[test]),
        {
            "digits 5-9": represent_module(module, x[y >= 5]),
            "noise": represent_module(module, torch.rand(500, 64, generator=torch.Generator().manual_seed(0))),
        },
        nearness={"digits 5-9": "near", "noise": "far"},
    )


@pytest.mark.parametrize("name", NAMES)
def test_detectors_beat_chance_on_unseen_digits(results: list[OutsideResult], name: str) -> None:
    (one,) = (detector for detector in results[0].detectors if detector.name == name)
    assert one.auroc.low > 0.75
    assert one.fpr_at_95_tpr.high < 0.95


def test_detectors_on_features_find_noise(results: list[OutsideResult]) -> None:
    areas = {one.name: one.auroc.value for one in results[1].detectors}
    assert min(areas["knn"], areas["mahalanobis"]) > 0.9
