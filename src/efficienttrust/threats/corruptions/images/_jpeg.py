"""The lossy part of baseline JPEG (ITU-T T.81), with the roundings of libjpeg's "islow" transforms and 4:2:0 colour."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from efficienttrust.threats.corruptions.images._padding import extend

# Quantisation tables of T.81, Annex K, for quality 50.
_BRIGHTNESS = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_COLOUR = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)
# What libjpeg's fixed-point constants say of red, green and blue.
_Y = (19595 / 65536, 38470 / 65536, 7471 / 65536)
_CB = (-11059 / 65536, -21709 / 65536, 32768 / 65536)
_CR = (32768 / 65536, -27439 / 65536, -5329 / 65536)
_GROUP = 16  # columns transformed at once: two blocks, which a matrix product does as fast as one


def decode_grey(images: Tensor, quality: int) -> Tensor:
    """Compress and decompress [n, 1, H, W] in [0, 1]."""
    return _codec(images.mul(255.0).round_().sub_(128.0), quality, _BRIGHTNESS).add_(128.0).div_(255.0)


def decode_colour(images: Tensor, quality: int) -> Tensor:
    """Compress and decompress [n, 3, H, W] in [0, 1]."""
    height, width = images.shape[2:]
    primaries = extend(images.mul(255.0).round_(), (0, height % 2), (0, -width % 16)).chunk(3, 1)
    y = _whole(_mix(primaries, _Y).sub_(128.0))
    colours = images.new_empty(len(images), 2, *y.shape[2:])
    _mix(primaries, _CB, out=colours[:, :1])
    _mix(primaries, _CR, out=colours[:, 1:])
    y = _codec(y, quality, _BRIGHTNESS)[:, :, :height, :width]
    colours.sub_(0.5).ceil_()  # halves go down here: saturated pixels have them
    colours = _codec(_halve(colours), quality, _COLOUR)
    cb, cr = _double(colours[..., : (width + 1) // 2])[:, :, :height, :width].chunk(2, 1)
    y = y.add_(128.0)
    result = torch.empty_like(images)
    torch.add(y, cr, alpha=1.402, out=result[:, :1])
    torch.add(y, cb, alpha=-0.344136, out=result[:, 1:2]).sub_(cr, alpha=0.714136)
    torch.add(y, cb, alpha=1.772, out=result[:, 2:])
    return result.round_().clamp_(0.0, 255.0).mul_(1.0 / 255.0)


def _mix(primaries: Sequence[Tensor], weights: Sequence[float], out: Tensor | None = None) -> Tensor:
    """Return the weighted sum of red, green and blue levels; exact, as all terms are multiples of 2^-16 below 2^8."""
    mixed = torch.mul(primaries[0], weights[0], out=out)
    return mixed.add_(primaries[1], alpha=weights[1]).add_(primaries[2], alpha=weights[2])


def _codec(plane: Tensor, quality: int, base: tuple[tuple[int, ...], ...]) -> Tensor:
    """Transform, quantise and transform back planes [n, c, H, W] of whole levels from -128 to 127."""
    height, width = plane.shape[2:]
    padded = extend(plane, (0, -height % 8), (0, -width % _GROUP))
    across, down, up, back = (matrix.to(plane.device) for matrix in _transforms())
    finer, coarser = (part.to(plane.device) for part in _quantiser(quality, base, padded.shape[3]))
    lines = _whole(padded.reshape(-1, _GROUP) @ across)
    coefficients = _whole(down @ lines.view(-1, 8, padded.shape[3]))
    kept = coefficients.mul_(finer).round_().mul_(coarser)
    lines = _whole(up @ kept).view(-1, _GROUP)
    return _whole(lines @ back).clamp_(-128.0, 127.0).view(padded.shape)[:, :, :height, :width]


def _whole(values: Tensor) -> Tensor:
    """Round in place, halves up: they are common, and `round` takes every other one down."""
    return values.add_(0.5).floor_()


def _halve(planes: Tensor) -> Tensor:
    """Return the mean of 2 x 2 levels; what stands between two levels goes down in even and up in odd columns."""
    rows = planes[:, :, 0::2] + planes[:, :, 1::2]
    half = rows[..., 0::2] + rows[..., 1::2]
    return torch.add(_bias(half.shape[3]).to(half.device), half, alpha=0.25).floor_()


@lru_cache(maxsize=32)
def _bias(width: int) -> Tensor:
    return torch.tensor([0.25, 0.5]).repeat(width // 2 + 1)[:width]


def _double(planes: Tensor) -> Tensor:
    """Return planes of twice the size: each new value is 3 parts of the nearest old one and 1 of the next, per axis."""
    n, c, height, width = planes.shape
    around = extend(planes, (1, 1), (1, 1))
    near = around[:, :, 1:-1] * 0.75
    tall = planes.new_empty(n, c, height, 2, width + 2)
    torch.add(near, around[:, :, :-2], alpha=0.25, out=tall[:, :, :, 0])
    torch.add(near, around[:, :, 2:], alpha=0.25, out=tall[:, :, :, 1])
    tall = tall.view(n, c, 2 * height, width + 2)
    near = tall[..., 1:-1] * 0.75
    result = planes.new_empty(n, c, 2 * height, 2 * width)
    torch.add(near, tall[..., :-2], alpha=0.25, out=result[..., 0::2])
    torch.add(near, tall[..., 2:], alpha=0.25, out=result[..., 1::2])
    return result


@lru_cache(maxsize=32)
def _quantiser(quality: int, base: tuple[tuple[int, ...], ...], width: int) -> tuple[Tensor, Tensor]:
    """Return what coefficients are multiplied by, [8, width] each, before they are rounded and after."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    table = np.clip((np.array(base) * scale + 50) // 100, 1, 255)
    tiled = np.tile(table, (1, width // 8)).astype(np.float64)
    # Halves are rounded away from 0: a factor just above 1 decides them and nothing else.
    finer = (1.0 + 1e-6) / (8.0 * tiled)
    return torch.from_numpy(finer.astype(np.float32)), torch.from_numpy(tiled.astype(np.float32))


@lru_cache(maxsize=1)
def _transforms() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the passes of the transform: along lines and down columns, then up columns and back along lines.

    As in libjpeg every pass scales by sqrt(8), which is taken out where coefficients are divided and at the end, and
    two bits behind the point (a factor of 4) are kept between two passes. Passes along lines do two blocks at once.
    """
    cosine = _cosine(np.eye(8)) / 8192.0
    pair = np.kron(np.eye(_GROUP // 8), cosine)
    passes = (4.0 * pair.T, cosine / 4.0, 4.0 * cosine.T, pair / 32.0)
    across, down, up, back = (torch.from_numpy(np.ascontiguousarray(part, dtype=np.float32)) for part in passes)
    return across, down, up, back


def _cosine(x: NDArray[Any]) -> NDArray[Any]:
    """Apply libjpeg's integer cosine transform (Loeffler et al. 1989) along the first axis, times 8192."""
    sums, differences = x[:4] + x[:3:-1], x[:4] - x[:3:-1]
    outer, inner = sums[0] + sums[3], sums[1] + sums[2]
    outer_difference, inner_difference = sums[0] - sums[3], sums[1] - sums[2]
    even = 4433 * (outer_difference + inner_difference)
    d7, d6, d5, d4 = differences  # named by the input that was subtracted
    z1, z2 = -7373 * (d4 + d7), -20995 * (d5 + d6)
    z5 = 9633 * (d4 + d6 + d5 + d7)
    z3, z4 = z5 - 16069 * (d4 + d6), z5 - 3196 * (d5 + d7)
    return np.stack(
        (
            8192 * (outer + inner),
            12299 * d7 + z1 + z4,
            even + 6270 * outer_difference,
            25172 * d6 + z2 + z3,
            8192 * (outer - inner),
            16819 * d5 + z2 + z4,
            even - 15137 * inner_difference,
            2446 * d4 + z1 + z3,
        )
    )
