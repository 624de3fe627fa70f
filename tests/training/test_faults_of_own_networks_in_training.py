"""What a user's network does wrong only in training ends it at the first step, in one line."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from efficienttrust.atats import TrustAction
from efficienttrust.errors import UsageError
from tests.small_problems import loans
from tests.training.module_cases import stepper_of, train_module

HERE = __name__


class NoWayBack(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return 2 * x

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        raise ValueError("no way back")


class Plain(nn.Module):
    def __init__(self, inputs: Any, outputs: int) -> None:
        super().__init__()
        self.layer = nn.Linear(inputs.shape[0], outputs)

    def forward(self, rows: Tensor) -> Tensor:
        z: Tensor = self.layer(rows)
        return self.learned(z) if self.training else z


class Undefined(Plain):
    def learned(self, z: Tensor) -> Tensor:
        return torch.log(-z.square() - 1)


class Backwards(Plain):
    def learned(self, z: Tensor) -> Tensor:
        return NoWayBack.apply(z)


class UndefinedLater(Plain):
    steps = 0

    def learned(self, z: Tensor) -> Tensor:
        self.steps += 1
        return z * (torch.nan if self.steps > 1 else 1.0)


@pytest.mark.parametrize("budget", ["time=30 steps", "time=20s"])
@pytest.mark.parametrize(
    ("network", "said"),
    [
        ("Undefined", "Undefined': the loss of the first step is nan, as training rows get logits that are not finite"),
        ("Backwards", "Backwards: the backward pass fails with ValueError: no way back ("),
    ],
)
def test_the_first_step_tells(network, said, budget):
    with pytest.raises(UsageError) as refused:
        train_module(loans(), budget, f"{HERE}:{network}")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_loss_that_is_lost_later_is_left_to_the_guard():
    stepper = stepper_of(loans(), f"{HERE}:UndefinedLater")
    rows, action = torch.arange(32), TrustAction()
    losses = [stepper.step(stepper.batch(rows, action), rows, action, 1e-3) for _ in range(2)]
    assert [bool(loss.isfinite()) for loss in losses] == [True, False]
