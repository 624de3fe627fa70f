"""Gaussian noise: what a sensor adds in low light."""

from __future__ import annotations

from torch import Tensor

from efficienttrust.threats.corruptions._corruption import image_corruptions
from efficienttrust.threats.corruptions._streams import RowStreams

SCALE = {"cifar": (0.04, 0.06, 0.08, 0.09, 0.10), "imagenet": (0.08, 0.12, 0.18, 0.26, 0.38)}
"""Standard deviation of the noise."""


@image_corruptions.register("gaussian_noise")
def gaussian_noise(images: Tensor, severity: int, generator: RowStreams, table: str) -> Tensor:
    """Normal noise, independent for each pixel and channel, is added."""
    noise = generator.normal(*images.shape[1:])
    return noise.mul_(SCALE[table][severity - 1]).add_(images).clamp_(0.0, 1.0)
