"""Zoom blur: the camera moves towards the object while the shutter is open."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from efficienttrust.threats.corruptions._corruption import image_corruptions
from efficienttrust.threats.corruptions._streams import RowStreams
from efficienttrust.threats.corruptions.images._linear_map import cropped_size, zoom_map

ZOOMS = {
    "cifar": ((1.06, 0.01), (1.11, 0.01), (1.16, 0.01), (1.21, 0.01), (1.26, 0.01)),
    "imagenet": ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03)),
}
"""Zoom factors run from 1 in these steps: (end, step) of `numpy.arange`."""


@image_corruptions.register("zoom_blur")
def zoom_blur(images: Tensor, severity: int, generator: RowStreams, table: str) -> Tensor:
    """The mean of the image and of the image enlarged by growing factors is taken."""
    del generator  # deterministic
    end, step = ZOOMS[table][severity - 1]
    factors = np.arange(1, end, step).tolist()
    height, width = images.shape[2:]
    total = images.clone()
    for factor in factors:
        rows, columns = cropped_size(height, factor), cropped_size(width, factor)
        top, left = (height - rows) // 2, (width - columns) // 2
        enlarged = zoom_map(height, factor).along_rows(images[:, :, top : top + rows])
        total += zoom_map(width, factor).along_columns(enlarged[..., left : left + columns])
    return total.div_(len(factors) + 1).clamp_(0.0, 1.0)
