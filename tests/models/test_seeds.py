"""A network depends on its seed alone, and building one leaves torch's global state as it was."""

from __future__ import annotations

import numpy as np
import torch

from efficienttrust.models import build_mlp


def weights(seed: int) -> np.ndarray:
    return np.concatenate([w.ravel() for w, _ in build_mlp(n_features=6, widths=(8, 4), seed=seed).layers()])


def test_same_seed_same_weights_whatever_the_global_state() -> None:
    first = weights(5)
    torch.rand(17)
    np.testing.assert_array_equal(first, weights(5))
    assert not np.array_equal(first, weights(6))


def test_global_state_is_left_alone() -> None:
    before = torch.random.get_rng_state()
    build_mlp(n_features=6, widths=(8, 4), seed=1)
    assert torch.equal(before, torch.random.get_rng_state())
