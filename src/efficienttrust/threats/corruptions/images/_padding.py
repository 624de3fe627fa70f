"""Padding that repeats or mirrors the border, for any width and number of planes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def extend(images: Tensor, rows: tuple[int, int], columns: tuple[int, int]) -> Tensor:
    """Repeat the border of [n, C, H, W] by (before, after) rows and columns."""
    if rows == columns == (0, 0):
        return images
    return functional.pad(images, (*columns, *rows), mode="replicate")


def mirror(images: Tensor, margin: int) -> Tensor:
    """Mirror [n, C, H, W] about its border pixels (OpenCV's default) by `margin` pixels, which may exceed the image."""
    height, width = images.shape[2:]
    if margin < min(height, width):
        return functional.pad(images, (margin,) * 4, mode="reflect")
    return images[..., _mirrored(height, margin, images)[:, None], _mirrored(width, margin, images)]


def _mirrored(size: int, margin: int, like: Tensor) -> Tensor:
    period = 2 * (size - 1)
    place = torch.arange(-margin, size + margin, device=like.device).remainder(period)
    return torch.minimum(place, period - place)
