"""How bright a pixel is."""

from __future__ import annotations

import torch
from torch import Tensor

WEIGHTS = (0.299, 0.587, 0.114)
"""Share of red, green and blue (ITU-R BT.601)."""


def luminance(images: Tensor) -> Tensor:
    """Return the brightness [n, 1, H, W] of images [n, C, H, W]; a single channel is its own brightness (copied)."""
    if images.shape[1] == 1:
        return images.clone()
    red, green, blue = images.chunk(3, 1)
    return torch.add(red * WEIGHTS[0], green, alpha=WEIGHTS[1]).add_(blue, alpha=WEIGHTS[2])
