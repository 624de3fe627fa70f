"""Brightness: daylight that changes.

ImageNet-C adds to the value channel in HSV. Hue and saturation fixed, that scales all channels of a pixel by the new
value over the old, so no change of colour space is needed; black has no hue and becomes grey.
"""

from __future__ import annotations

from torch import Tensor

from efficienttrust.threats.corruptions._corruption import image_corruptions
from efficienttrust.threats.corruptions._streams import RowStreams

ADDED = {"cifar": (0.05, 0.1, 0.15, 0.2, 0.3), "imagenet": (0.1, 0.2, 0.3, 0.4, 0.5)}
"""What is added to the largest channel of each pixel."""

_TINY = 1e-12  # gives black the ratio 1 in all channels


@image_corruptions.register("brightness")
def brightness(images: Tensor, severity: int, generator: RowStreams, table: str) -> Tensor:
    """The value (in HSV) of every pixel is raised; one channel is raised itself."""
    del generator  # deterministic
    added = ADDED[table][severity - 1]
    if images.shape[1] == 1:
        return (images + added).clamp_(0.0, 1.0)
    value = images.amax(1, keepdim=True)
    raised = (value + added).clamp_(max=1.0)
    return (images + _TINY).mul_(raised.div_(value.add_(_TINY))).clamp_(max=1.0)
