"""Draws per image that are the same on every device."""

from __future__ import annotations

import torch
from torch import Generator, Tensor


def uniform(images: Tensor, generator: Generator, *shape: int) -> Tensor:
    """Draw float32 numbers in [0, 1) where the generator lives; give them to where the images are."""
    return torch.rand(shape or (len(images),), generator=generator, device=generator.device).to(images.device)


def integers(images: Tensor, below: int, generator: Generator, *shape: int) -> Tensor:
    """Draw int64 numbers from 0 to `below - 1` where the generator lives; give them to where the images are."""
    drawn = torch.randint(below, shape or (len(images),), generator=generator, device=generator.device)
    return drawn.to(images.device)
