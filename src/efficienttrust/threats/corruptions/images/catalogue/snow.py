"""Snow: flakes that fall while the shutter is open, and a paler scene behind them.

Differs from ImageNet-C in the motion kernel: see `images/_motion.py`.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from efficienttrust.threats.corruptions._corruption import image_corruptions
from efficienttrust.threats.corruptions._streams import RowStreams
from efficienttrust.threats.corruptions.images._linear_map import cropped_size, zoom_map
from efficienttrust.threats.corruptions.images._luminance import luminance
from efficienttrust.threats.corruptions.images._motion import motion

CONSTANTS = {
    "cifar": (
        (0.1, 0.2, 1.0, 0.6, 8, 3.0, 0.95),
        (0.1, 0.2, 1.0, 0.5, 10, 4.0, 0.9),
        (0.15, 0.3, 1.75, 0.55, 10, 4.0, 0.9),
        (0.25, 0.3, 2.25, 0.6, 12, 6.0, 0.85),
        (0.3, 0.3, 1.25, 0.65, 14, 12.0, 0.8),
    ),
    "imagenet": (
        (0.1, 0.3, 3.0, 0.5, 10, 4.0, 0.8),
        (0.2, 0.3, 2.0, 0.5, 12, 4.0, 0.7),
        (0.55, 0.3, 4.0, 0.9, 12, 8.0, 0.7),
        (0.55, 0.3, 4.5, 0.85, 12, 8.0, 0.65),
        (0.55, 0.3, 2.5, 0.85, 12, 12.0, 0.55),
    ),
}
"""Mean, deviation and size of the flakes, what is no flake, radius and deviation of the motion, share of the scene."""


@image_corruptions.register("snow")
def snow(images: Tensor, severity: int, generator: RowStreams, table: str) -> Tensor:
    """The scene is whitened and two layers of moving flakes are added."""
    mean, deviation, size, threshold, radius, sigma, kept = CONSTANTS[table][severity - 1]
    height, width = images.shape[2:]
    flakes = generator.normal(cropped_size(height, size), cropped_size(width, size)).mul_(deviation).add_(mean)
    layer = zoom_map(width, size).along_columns(zoom_map(height, size).along_rows(flakes[:, None]))
    layer = functional.threshold(layer, threshold, 0.0).clamp_(max=1.0)
    layer = motion(layer, int(radius), sigma, generator.uniform(-135.0, -45.0).tolist())
    layer = layer.mul_(255.0).round_().div_(255.0)
    pale = luminance(images).mul_(1.5).add_(0.5)
    scene = torch.lerp(torch.maximum(images, pale), images, kept)
    return scene.add_(layer).add_(layer.flip((2, 3))).clamp_(0.0, 1.0)
