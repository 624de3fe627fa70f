"""A network depends on its seed alone, and building one leaves torch's global state as it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from efficienttrust.errors import UsageError
from efficienttrust.models import architectures, build


def weights(name: str, seed: int) -> np.ndarray:
    return np.concatenate([w.ravel() for w, _ in build(name, n_features=6, widths=(8, 4), seed=seed).layers()])


@pytest.mark.parametrize("name", architectures.names())
def test_same_seed_same_weights_whatever_the_global_state(name: str) -> None:
    first = weights(name, 5)
    torch.rand(17)
    np.testing.assert_array_equal(first, weights(name, 5))
    assert not np.array_equal(first, weights(name, 6))


@pytest.mark.parametrize("name", architectures.names())
def test_global_state_is_left_alone(name: str) -> None:
    before = torch.random.get_rng_state()
    build(name, n_features=6, widths=(8, 4), seed=1)
    assert torch.equal(before, torch.random.get_rng_state())


def test_unknown_architecture_is_named_with_a_suggestion() -> None:
    with pytest.raises(UsageError, match=r"unknown architecture 'mpl'\. Did you mean 'mlp'\?"):
        build("mpl", n_features=3, widths=(), seed=0)
