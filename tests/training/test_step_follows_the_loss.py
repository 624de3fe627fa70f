"""A step moves the weights along the gradient of the loss that it states, penalties and weights of rows included."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional

from efficienttrust.atats import TrustAction
from efficienttrust.losses import penalties
from efficienttrust.models import build_mlp
from efficienttrust.training._batches import TrainingData
from efficienttrust.training._step import Stepper
from tests.small_problems import loans


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("lambda_fair", [0.0, 0.7])
def test_gradients_of_a_step_equal_autograd_of_the_stated_loss(weighted, lambda_fair):
    problem = loans()
    split = problem.splits["train"]
    if weighted:
        split = dataclasses.replace(split, weight=np.linspace(0.5, 2.0, len(split.y)).astype(np.float32))
    data = TrainingData.of(problem, split, [""], 0.0)
    network = build_mlp(n_features=data.x.shape[1], widths=(8, 4), seed=0)
    names = penalties.names()
    stepper = Stepper(
        network,
        data,
        [(penalties.get(name)(), "") for name in names],
        learning_rate=0.0,
        weight_decay=0.0,
        generator=torch.Generator(),
    )
    rows = torch.arange(64)
    loss = stepper.step(data.x[rows], rows, TrustAction(lambda_fair=lambda_fair), 0.0)
    by_hand = [parameter.grad.clone() for parameter in network.parameters()]

    z, y = network(data.x[rows]), data.y[rows]
    weight = None if data.weight is None else data.weight[rows]
    stated = functional.binary_cross_entropy_with_logits(z, y, weight=weight)
    scores = torch.sigmoid(z)
    for name in names:  # a penalty's own gradient is checked by finite differences in tests/losses
        value, pull = penalties.get(name)().value_and_gradient(scores.detach(), y, data.members[""][rows])
        stated = stated + lambda_fair * (value + torch.dot(pull, scores - scores.detach()))
    torch.testing.assert_close(loss, stated.detach())
    for found, wanted in zip(by_hand, torch.autograd.grad(stated, list(network.parameters())), strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-6, rtol=1e-4)
