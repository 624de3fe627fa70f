"""Images at a lower resolution: every new pixel is the mean of the area that it covers."""

from __future__ import annotations

import tempfile
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data.images._cache import cache_folder
from efficienttrust.data.images._image_set import ImageSet
from efficienttrust.errors import UsageError

CELLS_AT_ONCE = 2**22
"""Values of the source that are averaged at a time."""

MOST_IN_MEMORY = 2**28
"""Bytes of pixels that stay in memory; more go into a file of the cache folder that vanishes with the process."""


def at_resolution(images: ImageSet, side: int) -> ImageSet:
    """Return a set whose images have so many pixels on their shorter side, the other in proportion.

    Args:
        images: The set.
        side: Pixels, 1 up to those that the images have; as many as they have returns the set as it is.

    Raises:
        UsageError: `side` is less than 1, or more than there are: averaging makes images smaller only.
    """
    n, channels, height, width = images.x.shape
    short = min(height, width)
    if not 1 <= side <= short:
        raise UsageError(
            f"resolution {side}: images of {height} x {width} pixels are averaged to a side of 1 to {short}"
        )
    if side == short:
        return images
    new = tuple(max(1, round(side * pixels / short)) for pixels in (height, width))
    shape = (n, channels, *new)
    if int(np.prod(shape)) <= MOST_IN_MEMORY:
        x: NDArray[np.uint8] = np.empty(shape, np.uint8)
    else:
        cache_folder().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache_folder()) as file:  # the map holds what the closed file held
            x = np.memmap(file, np.uint8, "w+", shape=shape)
    down, across = area_weights(height, new[0]), area_weights(width, new[1])
    at_once = max(1, CELLS_AT_ONCE // (channels * height * width))
    for start in range(0, n, at_once):
        block = images.x[start : start + at_once].astype(np.float32)
        x[start : start + at_once] = np.floor(down @ block @ across.T + 0.5)
    note = f"images of {height} x {width} pixels are averaged to {new[0]} x {new[1]}"
    return replace(images, x=x, notes=(*images.notes, note))


def area_weights(pixels: int, fewer: int) -> NDArray[np.float32]:
    """Return the share of each old pixel in each new one along a side, float32 [fewer, pixels]; rows sum to 1."""
    edges = np.linspace(0, pixels, fewer + 1)
    old = np.arange(pixels)
    covered = np.minimum(edges[1:, None], old + 1) - np.maximum(edges[:-1, None], old)
    return np.asarray(np.clip(covered, 0, None) * (fewer / pixels), dtype=np.float32)
