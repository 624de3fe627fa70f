"""Spatter: drops of water (severities 1 to 3) or splashes of mud (4 and 5) on the lens.

Differs from ImageNet-C in details of the water: the outline of a drop is its wet pixels beside a dry one (the original
runs Canny's detector, which finds little else), and distances to it are Euclidean instead of OpenCV's chamfer ones.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from efficienttrust.threats.corruptions._corruption import image_corruptions
from efficienttrust.threats.corruptions._streams import RowStreams
from efficienttrust.threats.corruptions.images._linear_map import gaussian
from efficienttrust.threats.corruptions.images._luminance import luminance
from efficienttrust.threats.corruptions.images._relief import relief

CONSTANTS = {
    "cifar": (
        (0.62, 0.1, 0.7, 0.7, 0.5, False),
        (0.65, 0.1, 0.8, 0.7, 0.5, False),
        (0.65, 0.3, 1.0, 0.69, 0.5, False),
        (0.65, 0.1, 0.7, 0.69, 0.6, True),
        (0.65, 0.1, 0.5, 0.68, 0.6, True),
    ),
    "imagenet": (
        (0.65, 0.3, 4.0, 0.69, 0.6, False),
        (0.65, 0.3, 3.0, 0.68, 0.6, False),
        (0.65, 0.3, 2.0, 0.68, 0.5, False),
        (0.65, 0.3, 1.0, 0.65, 1.5, True),
        (0.67, 0.4, 1.0, 0.65, 1.5, True),
    ),
}
"""Mean, deviation and blur of the liquid, what is dry, opacity of water or blur of mud, whether it is mud."""

WATER = (175 / 255, 238 / 255, 238 / 255)  # pale turquoise
MUD = (63 / 255, 42 / 255, 20 / 255)  # brown


@image_corruptions.register("spatter")
def spatter(images: Tensor, severity: int, generator: RowStreams, table: str) -> Tensor:
    """Drops of water brighten the image, or splashes of mud cover it."""
    mean, deviation, blur, dry, strength, is_mud = CONSTANTS[table][severity - 1]
    liquid = generator.normal(1, *images.shape[2:]).mul_(deviation).add_(mean)
    liquid = functional.threshold(gaussian(liquid, blur), dry, 0.0)
    colour = images.new_tensor(MUD if is_mud else WATER)[None, :, None, None]
    if images.shape[1] == 1:
        colour = luminance(colour)
    if is_mud:
        mask = functional.threshold(gaussian(liquid.sign(), strength), 0.8, 0.0)
        return torch.addcmul(images, mask, colour - images).clamp_(0.0, 1.0)
    grey = liquid.clamp_(max=1.0).mul_(255.0).floor_()
    mask = grey.mul_(relief(grey))
    mask.mul_(strength / mask.amax((2, 3), keepdim=True).clamp_(min=1.0))
    return torch.addcmul(images, mask, colour).clamp_(0.0, 1.0)
