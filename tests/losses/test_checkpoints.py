"""A penalty goes on from a checkpoint as if it had never stopped, bit for bit."""

from __future__ import annotations

import io

import pytest
import torch

from efficienttrust.losses import penalties
from tests.losses.batches import draw, value_and_gradient


def through_a_file(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@pytest.mark.parametrize("name", penalties.names())
@pytest.mark.parametrize("seen", [0, 1, 5])
def test_state_survives_a_file(name: str, seen: int) -> None:
    penalty, resumed = penalties.get(name)(), penalties.get(name)()
    for seed in range(seen):
        value_and_gradient(penalty, draw(seed))
    resumed.load_state_dict(through_a_file(penalty.state_dict()))
    for seed in range(10, 14):
        value, gradient = value_and_gradient(penalty, draw(seed))
        other_value, other_gradient = value_and_gradient(resumed, draw(seed))
        assert value == other_value
        assert torch.equal(gradient, other_gradient)


@pytest.mark.parametrize("name", penalties.names())
def test_saved_state_does_not_change_with_the_penalty(name: str) -> None:
    penalty = penalties.get(name)()
    value_and_gradient(penalty, draw(0))
    saved = penalty.state_dict()
    before = {key: value.clone() for key, value in saved.items()}
    value_and_gradient(penalty, draw(1, spread=-0.1))
    assert before.keys() == saved.keys()
    assert all(torch.equal(before[key], saved[key]) for key in before)
