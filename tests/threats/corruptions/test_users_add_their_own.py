"""Registering a function of (images, severity, generator, table) is all it takes to add a corruption."""

from __future__ import annotations

import doctest
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from efficienttrust.threats import corruptions
from efficienttrust.threats.corruptions import RowStreams, corrupt, corruption, image_corruptions


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """Take what a test registered out again."""
    before = image_corruptions.names()
    yield
    for name in set(image_corruptions.names()) - set(before):
        del image_corruptions._things[name], image_corruptions._aliases[name]


def test_a_registered_function_is_applied() -> None:
    @image_corruptions.register("flicker")
    def flicker(images: Tensor, severity: int, generator: RowStreams, table: str) -> Tensor:
        """A whole image turns darker by chance."""
        return images * generator.uniform(1 - 0.1 * severity, 1.0, 1, 1, 1)

    images = torch.full((5, 1, 8, 8), 0.8)
    result = corrupt(images, "flicker", 4, seed=1)
    factors = result[:, 0, 0, 0] / 0.8
    assert len(factors.unique()) == 5
    assert bool(((factors >= 0.6) & (factors <= 1.0)).all())
    assert torch.equal(corrupt(images[3:], "flicker", 4, seed=1, rows=[3, 4]), result[3:])
    assert corruption("flicker", 1, size=(8, 8)).definition == "A whole image turns darker by chance"


def test_the_example_of_the_front_door_runs() -> None:
    results = doctest.testmod(corruptions)
    assert results.attempted >= 4
    assert results.failed == 0
