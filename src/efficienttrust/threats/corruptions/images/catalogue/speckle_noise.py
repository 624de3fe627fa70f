"""Speckle noise: noise in proportion to the brightness of a pixel."""

from __future__ import annotations

from torch import Tensor

from efficienttrust.threats.corruptions._corruption import image_corruptions
from efficienttrust.threats.corruptions._streams import RowStreams

SCALE = {"cifar": (0.06, 0.10, 0.12, 0.16, 0.20), "imagenet": (0.15, 0.20, 0.35, 0.45, 0.60)}
"""Standard deviation of the noise relative to the value of the pixel."""


@image_corruptions.register("speckle_noise")
def speckle_noise(images: Tensor, severity: int, generator: RowStreams, table: str) -> Tensor:
    """Normal noise in proportion to the value of each pixel and channel is added."""
    noise = generator.normal(*images.shape[1:])
    return noise.mul_(SCALE[table][severity - 1]).add_(1.0).mul_(images).clamp_(0.0, 1.0)
