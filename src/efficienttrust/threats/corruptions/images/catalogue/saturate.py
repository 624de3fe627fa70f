"""Saturation: colours that fade or glare.

ImageNet-C scales the saturation channel in HSV. Hue and value fixed, that scales how far each channel stands below the
largest one. A grey pixel has no hue: scikit-image calls it red, and so it is here.
"""

from __future__ import annotations

import torch
from torch import Tensor

from efficienttrust.threats.corruptions._corruption import image_corruptions
from efficienttrust.threats.corruptions._streams import RowStreams

SCALE_AND_SHIFT = {
    "cifar": ((0.3, 0.0), (0.1, 0.0), (1.5, 0.0), (2.0, 0.1), (2.5, 0.2)),
    "imagenet": ((0.3, 0.0), (0.1, 0.0), (2.0, 0.0), (5.0, 0.1), (20.0, 0.2)),
}
"""New saturation = clip(scale * saturation + shift, 0, 1)."""


@image_corruptions.register("saturate")
def saturate(images: Tensor, severity: int, generator: RowStreams, table: str) -> Tensor:
    """The saturation (in HSV) of every pixel is scaled and shifted; one channel has none and stays as it is."""
    del generator  # deterministic
    if images.shape[1] == 1:
        return images.clone()
    scale, shift = SCALE_AND_SHIFT[table][severity - 1]
    value = images.amax(1, keepdim=True)
    spread = value - images.amin(1, keepdim=True)
    shifted = value * shift
    target = torch.add(shifted, spread, alpha=scale).minimum(value)  # value * new saturation
    result = torch.addcmul(value, images - value, target / spread)
    grey = spread == 0
    if bool(grey.any()):
        below = value - shifted
        result = torch.where(grey, torch.cat((value, below, below), 1), result)
    return result.clamp_(0.0, 1.0)
