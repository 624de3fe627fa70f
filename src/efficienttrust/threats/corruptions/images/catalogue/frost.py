"""Frost: ice crystals on the window.

Differs from ImageNet-C, which blends in crops of photographs of frost that are not ours to ship: here the overlay is
fractal noise with the mean colour, the deviation and roughly the grain of those photographs, measured at the
scale at which the original shows them (a fifth of it for CIFAR-10-C). It has no crystals with a direction.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from torch import Tensor

from efficienttrust.threats.corruptions._corruption import image_corruptions
from efficienttrust.threats.corruptions._streams import RowStreams
from efficienttrust.threats.corruptions.images._linear_map import LinearMap, linear_map
from efficienttrust.threats.corruptions.images._luminance import luminance

SCENE_AND_FROST = {
    "cifar": ((1.0, 0.2), (1.0, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45)),
    "imagenet": ((1.0, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75)),
}
"""Share of the image and of the frost in the sum."""

WINDOWS = (
    (0.305, 0.585, 0.650, 0.070),
    (0.788, 0.806, 0.841, 0.086),
    (0.788, 0.806, 0.841, 0.086),
    (0.540, 0.599, 0.648, 0.112),
    (0.441, 0.484, 0.529, 0.167),
)
"""Mean red, green and blue and the deviation of the brightness of the five photographs (two of them are the same)."""

GRAIN = {
    "cifar": ((1, 0.42), (2, 0.10), (4, 0.08), (8, 0.10), (16, 0.15), (0, 0.15)),
    "imagenet": ((2, 0.27), (4, 0.13), (8, 0.10), (16, 0.08), (32, 0.06), (64, 0.08), (128, 0.16), (0, 0.12)),
}
"""Size of the cells of each layer of noise in pixels (0: the whole window) and its share of the variance."""


@image_corruptions.register("frost")
def frost(images: Tensor, severity: int, generator: RowStreams, table: str) -> Tensor:
    """A share of the image and a share of a texture of frost are added."""
    scene, ice = SCENE_AND_FROST[table][severity - 1]
    window = images.new_tensor(WINDOWS)[generator.integers(0, len(WINDOWS), 1)[:, 0]]
    texture = _texture(generator, images.shape[2], images.shape[3], GRAIN[table])
    frosted = texture.mul_(window[:, 3, None, None, None]).add(window[:, :3, None, None]).clamp_(0.0, 1.0)
    if images.shape[1] == 1:
        frosted = luminance(frosted)
    return frosted.mul_(ice).add_(images, alpha=scene).clamp_(0.0, 1.0)


def _texture(generator: RowStreams, height: int, width: int, grain: tuple[tuple[int, float], ...]) -> Tensor:
    """Return fractal noise [n, 1, H, W] with mean 0 and deviation 1."""
    total: Tensor | None = None
    for cell, share in grain:
        rows, columns = _stretch(height, cell), _stretch(width, cell)
        knots = generator.normal(rows.matrix.shape[1], columns.matrix.shape[1])
        layer = columns.along_columns(rows.along_rows(knots[:, None])).mul_(math.sqrt(share))
        total = layer if total is None else total.add_(layer)
    assert total is not None
    return total


@lru_cache(maxsize=64)
def _stretch(size: int, cell: int) -> LinearMap:
    """Return the map from knots `cell` pixels apart to pixels: linear in between, scaled to keep the mean variance."""
    if cell == 0:
        return linear_map(np.ones((size, 1)))
    place = (np.arange(size) + 0.5) / cell if cell > 1 else np.arange(size) * 1.0
    matrix = np.clip(1.0 - np.abs(place[:, None] - np.arange(int(place[-1]) + 2)), 0.0, None)
    return linear_map(matrix / np.sqrt((matrix**2).sum(1).mean()))
