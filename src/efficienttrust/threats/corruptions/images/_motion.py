"""Motion: shifted copies of an image along a line of its own angle, weighted by half a Gaussian.

This is the kernel of imagecorruptions 1.1.2, which stands in for ImageMagick's motion blur in the original scripts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from efficienttrust.threats.corruptions.images._padding import extend


def motion(images: Tensor, radius: int, sigma: float, degrees: Sequence[float]) -> Tensor:
    """Blur [n, C, H, W] along one angle for each image.

    Args:
        images: The images; the border is repeated outside.
        radius: The kernel has 2 * radius + 1 taps, one pixel apart.
        sigma: Standard deviation of the kernel, in pixels.
        degrees: [n] angles.
    """
    height, width = images.shape[2:]
    taps = 2 * radius + 1
    weights = np.exp(-(np.arange(taps) ** 2) / (2 * sigma**2))
    weights = weights / weights.sum()
    reach = taps - 1
    padded = extend(images, (reach, reach), (reach, reach))
    blurred = torch.zeros_like(images)
    for image, source, angle in zip(blurred, padded, degrees, strict=True):
        down, right = math.sin(math.radians(angle)), math.cos(math.radians(angle))
        for tap, weight in enumerate(weights.tolist()):
            dy, dx = -math.ceil(tap * down - 0.5), -math.ceil(tap * right - 0.5)
            if abs(dy) >= height or abs(dx) >= width:
                break
            top, left = reach - dy, reach - dx
            image.add_(source[:, top : top + height, left : left + width], alpha=weight)
    return blurred
