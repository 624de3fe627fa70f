"""Motion blur: the camera moves sideways while the shutter is open.

Differs from ImageNet-C in the kernel: see `images/_motion.py`.
"""

from __future__ import annotations

from torch import Tensor

from efficienttrust.threats.corruptions._corruption import image_corruptions
from efficienttrust.threats.corruptions._streams import RowStreams
from efficienttrust.threats.corruptions.images._motion import motion

RADIUS_AND_SIGMA = {
    "cifar": ((6, 1.0), (6, 1.5), (6, 2.0), (8, 2.0), (9, 2.5)),
    "imagenet": ((10, 3.0), (15, 5.0), (15, 8.0), (15, 12.0), (20, 15.0)),
}
"""Radius and standard deviation of the kernel, in pixels."""


@image_corruptions.register("motion_blur")
def motion_blur(images: Tensor, severity: int, generator: RowStreams, table: str) -> Tensor:
    """The image is blurred along a line at a random angle within 45 degrees of the horizontal."""
    radius, sigma = RADIUS_AND_SIGMA[table][severity - 1]
    degrees = generator.uniform(-45.0, 45.0).tolist()
    return motion(images, radius, sigma, degrees).clamp_(0.0, 1.0)
