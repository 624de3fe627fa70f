"""Contrast: every value moves towards the mean of its channel."""

from __future__ import annotations

import torch
from torch import Tensor

from efficienttrust.threats.corruptions._corruption import image_corruptions
from efficienttrust.threats.corruptions._streams import RowStreams

KEPT = {"cifar": (0.75, 0.5, 0.4, 0.3, 0.15), "imagenet": (0.4, 0.3, 0.2, 0.1, 0.05)}
"""Share of the distance from the mean that is kept."""


@image_corruptions.register("contrast")
def contrast(images: Tensor, severity: int, generator: RowStreams, table: str) -> Tensor:
    """The contrast of each image is lowered about the mean of each channel."""
    del generator  # deterministic
    means = images.mean((2, 3), keepdim=True)
    return torch.lerp(means, images, KEPT[table][severity - 1]).clamp_(0.0, 1.0)
