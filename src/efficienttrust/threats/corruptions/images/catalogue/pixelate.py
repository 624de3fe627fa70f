"""Pixelate: the image is shrunk and enlarged again.

As in Pillow, shrinking takes the mean over boxes of fractional size and enlarging repeats the nearest pixel. Differs
from ImageNet-C in that the means are not rounded to 8 bits on the way.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from efficienttrust.threats.corruptions._corruption import image_corruptions
from efficienttrust.threats.corruptions._streams import RowStreams
from efficienttrust.threats.corruptions.images._linear_map import LinearMap, linear_map

SHRINK = {"cifar": (0.95, 0.9, 0.85, 0.75, 0.65), "imagenet": (0.6, 0.5, 0.4, 0.3, 0.25)}
"""Size of the small image relative to the large one."""


@image_corruptions.register("pixelate")
def pixelate(images: Tensor, severity: int, generator: RowStreams, table: str) -> Tensor:
    """The image is shrunk by box means and enlarged by repeating pixels."""
    del generator  # deterministic
    share = SHRINK[table][severity - 1]
    height, width = images.shape[2:]
    low = _shrink(height, share).along_rows(images)
    small = _shrink(width, share).along_columns(low).flatten(0, 2)
    wide = small.index_select(1, _nearest(width, small.shape[1]).to(images.device))
    return wide.index_select(0, _repeated(len(wide), low.shape[2], height).to(images.device)).view(images.shape)


@lru_cache(maxsize=64)
def _shrink(size: int, share: float) -> LinearMap:
    return linear_map(_boxes(size, share))


@lru_cache(maxsize=64)
def _repeated(lines: int, small: int, size: int) -> Tensor:
    """Return which of the lines of planes of `small` rows each line of planes of `size` rows repeats."""
    return (torch.arange(0, lines, small)[:, None] + _nearest(size, small)).view(-1)


@lru_cache(maxsize=64)
def _nearest(size: int, small: int) -> Tensor:
    return torch.from_numpy(((np.arange(size) + 0.5) * (small / size)).astype(np.int64))  # where Pillow rounds


def _boxes(size: int, share: float) -> NDArray[np.float64]:
    """Return the weights [small, size] of Pillow's box filter: whole pixels whose centre lies in the box, all alike."""
    small = max(1, int(size * share))
    scale = size / small
    centre = (np.arange(small) + 0.5)[:, None] * scale
    pixel = np.arange(size)
    place = (pixel - centre + 0.5) * (1.0 / scale)
    first, end = (np.floor(centre + side * scale / 2 + 0.5) for side in (-1, 1))
    boxes = ((place > -0.5) & (place <= 0.5) & (pixel >= first) & (pixel < end)).astype(np.float64)
    means: NDArray[np.float64] = boxes / boxes.sum(1, keepdims=True)
    return means
