"""The registry of architectures and the one way to make a network reproducibly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from efficienttrust.registry import Registry

if TYPE_CHECKING:
    from efficienttrust.models.catalogue.mlp import MLP

architectures: Registry[Callable[..., MLP]] = Registry("architecture", "efficienttrust.models.catalogue")


def build(name: str, *, n_features: int, widths: Sequence[int], seed: int) -> MLP:
    """Build a network whose initial weights depend on `seed` alone, not on torch's global state.

    Args:
        name: Name of a registered architecture, e.g. `"mlp"`.
        n_features: Number of encoded input features.
        widths: Units of the hidden layers; empty makes a linear model.
        seed: Seed of the initial weights.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return architectures.get(name)(n_features=n_features, widths=tuple(widths))
