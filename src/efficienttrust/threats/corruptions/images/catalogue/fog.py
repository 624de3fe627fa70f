"""Fog: a cloud of fractal brightness over the image (diamond-square algorithm)."""

from __future__ import annotations

import torch
from torch import Tensor

from efficienttrust.threats.corruptions._corruption import image_corruptions
from efficienttrust.threats.corruptions._streams import RowStreams

THICKNESS_AND_DECAY = {
    "cifar": ((0.2, 3.0), (0.5, 3.0), (0.75, 2.5), (1.0, 2.0), (1.5, 1.75)),
    "imagenet": ((1.5, 2.0), (2.0, 2.0), (2.5, 1.7), (2.5, 1.5), (3.0, 1.4)),
}
"""Brightness of the densest fog, and by what the roughness falls at each finer level."""


@image_corruptions.register("fog")
def fog(images: Tensor, severity: int, generator: RowStreams, table: str) -> Tensor:
    """A fractal cloud is added, and the image is scaled back to its own brightest value."""
    thickness, decay = THICKNESS_AND_DECAY[table][severity - 1]
    height, width = images.shape[2:]
    side = 1 << (max(height, width) - 1).bit_length()
    cloud = fractal(generator, side, decay)[:, None, :height, :width]
    brightest = images.amax((1, 2, 3), keepdim=True)
    return torch.add(images, cloud, alpha=thickness).mul_(brightest / (brightest + thickness)).clamp_(0.0, 1.0)


def fractal(generator: RowStreams, side: int, decay: float) -> Tensor:
    """Return height maps [n, side, side] in [0, 1] that repeat at their borders; `side` is a power of two.

    Level by level the centre of each square, then of each diamond, becomes the mean of its four corners plus noise.
    """
    noise = generator.uniform(-1.0, 1.0, side, side)  # one draw for each point: every point is set once
    heights = torch.zeros_like(noise)
    step, roughness = side, 100.0
    while step >= 2:
        half, amplitude = step // 2, roughness**2
        coarse, finer = slice(0, side, step), slice(half, side, step)
        corners = heights[:, coarse, coarse]
        pairs = corners + corners.roll(-1, 1)
        centres = torch.add((pairs + pairs.roll(-1, 2)) / 4, noise[:, finer, finer], alpha=amplitude)
        heights[:, finer, finer] = centres
        sideways = centres + centres.roll(1, 1) + corners + corners.roll(-1, 2)
        heights[:, coarse, finer] = torch.add(sideways / 4, noise[:, coarse, finer], alpha=amplitude)
        upright = centres + centres.roll(1, 2) + corners + corners.roll(-1, 1)
        heights[:, finer, coarse] = torch.add(upright / 4, noise[:, finer, coarse], alpha=amplitude)
        step, roughness = half, roughness / decay
    lowest, highest = heights.amin((1, 2), keepdim=True), heights.amax((1, 2), keepdim=True)
    return heights.sub_(lowest).div_(highest - lowest)
