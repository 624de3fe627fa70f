"""Gaussian blur."""

from __future__ import annotations

from torch import Tensor

from efficienttrust.threats.corruptions._corruption import image_corruptions
from efficienttrust.threats.corruptions._streams import RowStreams
from efficienttrust.threats.corruptions.images._linear_map import gaussian

SIGMA = {"cifar": (0.4, 0.6, 0.7, 0.8, 1.0), "imagenet": (1.0, 2.0, 3.0, 4.0, 6.0)}
"""Standard deviation of the kernel, in pixels."""


@image_corruptions.register("gaussian_blur")
def gaussian_blur(images: Tensor, severity: int, generator: RowStreams, table: str) -> Tensor:
    """The image is blurred by a Gaussian kernel."""
    del generator  # deterministic
    return gaussian(images, SIGMA[table][severity - 1]).clamp_(0.0, 1.0)
