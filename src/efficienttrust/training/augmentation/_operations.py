"""The image operations of AugMix, each for a whole batch with a parameter per image."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

LEVELS = 256


def autocontrast(images: Tensor) -> Tensor:
    """Stretch each channel of each image to [0, 1]; channels of a single value stay."""
    low, high = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    flat = high <= low
    return torch.where(flat, images, (images - low) / torch.where(flat, 1.0, high - low)).clamp(0.0, 1.0)


def equalise(images: Tensor) -> Tensor:
    """Equalise the histogram of 256 levels of each channel of each image, as `PIL.ImageOps.equalize` does."""
    n, channels, height, width = images.shape
    planes, pixels = n * channels, height * width
    levels = images.mul(LEVELS - 1).round_().long().view(planes, pixels)
    offset = torch.arange(planes, device=images.device)[:, None] * LEVELS
    counts = torch.bincount((levels + offset).view(-1), minlength=planes * LEVELS).view(planes, LEVELS)
    brightest = counts.gather(1, levels.amax(1, keepdim=True))
    step = (pixels - brightest) // (LEVELS - 1)  # pixels per level of the result, the brightest level apart
    before = counts.cumsum(1) - counts
    table = ((before + step // 2) // step.clamp_min(1)).clamp_max(LEVELS - 1)
    found = torch.where(step == 0, levels, table.gather(1, levels))
    return found.to(images.dtype).div_(LEVELS - 1).view(images.shape)


def posterise(images: Tensor, bits: Tensor) -> Tensor:
    """Keep the first `bits` [n] of 8 bits of each pixel."""
    step = torch.exp2(8 - bits.to(images.dtype))[:, None, None, None]
    levels = images.mul(LEVELS - 1).round_()
    return levels.div_(step).floor_().mul_(step).div_(LEVELS - 1)


def solarise(images: Tensor, threshold: Tensor) -> Tensor:
    """Invert the pixels from `threshold` [n], in [0, 1], upwards."""
    return torch.where(images >= threshold[:, None, None, None], 1.0 - images, images)


def rotation(degrees: Tensor) -> Tensor:
    """Return the maps [n, 2, 3] that turn images about their centre."""
    angle = degrees * (math.pi / 180.0)
    cosine, sine, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    return _maps(cosine, -sine, zero, sine, cosine, zero)


def shear_across(share: Tensor) -> Tensor:
    """Return the maps [n, 2, 3] that move each row across by `share` of its height below the centre."""
    zero, one = torch.zeros_like(share), torch.ones_like(share)
    return _maps(one, share, zero, zero, one, zero)


def shear_down(share: Tensor) -> Tensor:
    """Return the maps [n, 2, 3] that move each column down by `share` of its place right of the centre."""
    zero, one = torch.zeros_like(share), torch.ones_like(share)
    return _maps(one, zero, zero, share, one, zero)


def shift_across(pixels: Tensor) -> Tensor:
    """Return the maps [n, 2, 3] that move images to the left."""
    zero, one = torch.zeros_like(pixels), torch.ones_like(pixels)
    return _maps(one, zero, pixels, zero, one, zero)


def shift_down(pixels: Tensor) -> Tensor:
    """Return the maps [n, 2, 3] that move images up."""
    zero, one = torch.zeros_like(pixels), torch.ones_like(pixels)
    return _maps(one, zero, zero, zero, one, pixels)


def warp(images: Tensor, maps: Tensor) -> Tensor:
    """Read each pixel of the result where its map sends it, bilinearly; black outside.

    Args:
        images: [n, C, H, W].
        maps: [n, 2, 3], from (x, y, 1) in pixels from the centre of the result to (x, y) of the image.
    """
    height, width = images.shape[2:]
    half = maps.new_tensor([width / 2, height / 2])
    scaled = torch.cat([maps[:, :, :2] * half, maps[:, :, 2:]], dim=2) / half[:, None]
    grid = functional.affine_grid(scaled, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="zeros", align_corners=False)


def _maps(*entries: Tensor) -> Tensor:
    return torch.stack(entries, dim=1).view(-1, 2, 3)
