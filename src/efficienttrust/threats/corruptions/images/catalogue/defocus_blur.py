"""Defocus blur: the image of a point is a disc.

A disc is a stack of horizontal runs. Runs of one length are summed at once, as differences of running sums: about 3
additions for each pixel of the radius instead of one for each pixel of the disc. Its soft edge (a small Gaussian)
follows. The original softens its kernel in an array that discs of 8 and 10 pixels fill, and OpenCV mirrors what lies
beyond: the outermost rows and columns weigh more, and the picture gets 1 % brighter. `_add_rim` follows it.
"""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn import functional

from efficienttrust.threats.corruptions._corruption import image_corruptions
from efficienttrust.threats.corruptions._streams import RowStreams
from efficienttrust.threats.corruptions.images._padding import mirror

RADIUS_AND_EDGE = {
    "cifar": ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1.0, 0.2), (1.5, 0.1)),
    "imagenet": ((3.0, 0.1), (4.0, 0.5), (6.0, 0.5), (8.0, 0.5), (10.0, 0.5)),
}
"""Radius of the disc and standard deviation of its edge, in pixels."""

KERNEL_REACH = 8
"""The original's kernel reaches at least this far from its centre; larger discs fill theirs to the edge."""


@image_corruptions.register("defocus_blur")
def defocus_blur(images: Tensor, severity: int, generator: RowStreams, table: str) -> Tensor:
    """The image is blurred by a disc with a soft edge."""
    del generator  # deterministic
    radius, sigma = RADIUS_AND_EDGE[table][severity - 1]
    reach, soft = int(radius), 1 if radius <= 8 else 2
    around = mirror(images, reach + soft)
    until = functional.pad(around, (1, 0)).cumsum(3)  # until[x] is the sum left of pixel x
    disc = _disc_sums(until, radius)
    edge = [math.exp(-(offset**2) / (2 * sigma**2)) for offset in range(soft + 1)]
    scale = 1.0 / (edge[0] + 2 * sum(edge[1:]))
    height, width = images.shape[2:]
    pixels = sum(2 * _half_width(radius, offset) + 1 for offset in range(-reach, reach + 1))
    columns = disc[..., soft : soft + width] * (scale * edge[0] / pixels)
    for offset in range(1, soft + 1):
        for place in (soft - offset, soft + offset):
            columns.add_(disc[..., place : place + width], alpha=scale * edge[offset] / pixels)
    result = columns[:, :, soft : soft + height] * (scale * edge[0])
    for offset in range(1, soft + 1):
        for place in (soft - offset, soft + offset):
            result.add_(columns[:, :, place : place + height], alpha=scale * edge[offset])
    if reach >= KERNEL_REACH:
        _add_rim(result, around, until, radius, soft, scale * edge[1] / pixels)
    return result.clamp_(0.0, 1.0)


def _half_width(radius: float, offset: int) -> int:
    """Return how far the disc reaches to the side, `offset` rows from its centre."""
    return int(math.sqrt(radius**2 - offset**2))


def _disc_sums(until: Tensor, radius: float) -> Tensor:
    """Return the sum over the disc about every pixel whose disc lies inside: [n, C, H - 2 reach, W - 2 reach].

    Args:
        until: [n, C, H, W + 1] running sums of the rows, from 0.
        radius: Radius of the disc.
    """
    reach = int(radius)
    height, width = until.shape[2] - 2 * reach, until.shape[3] - 1 - 2 * reach
    total = until.new_zeros(*until.shape[:2], height, width)
    for half in sorted({_half_width(radius, offset) for offset in range(reach + 1)}):
        first, end = reach - half, reach + half + 1
        run = until[..., end : end + width] - until[..., first : first + width]
        for offset in range(-reach, reach + 1):
            if _half_width(radius, offset) == half:
                total.add_(run[:, :, reach + offset : reach + offset + height])
    return total


def _add_rim(result: Tensor, around: Tensor, until: Tensor, radius: float, soft: int, weight: float) -> None:
    """Add what a kernel filled to the edge gets by mirroring, and take off what its soft edge loses outside.

    Args:
        result: [n, C, H, W], changed in place.
        around: The image with its mirrored margin of int(radius) + soft pixels.
        until: Its running sums.
        radius: Radius of the disc.
        soft: Margin for the soft edge.
        weight: Weight in the kernel of one pixel beside a pixel of the disc.
    """
    height, width = result.shape[2:]
    reach = int(radius)
    centre, half = reach + soft, _half_width(radius, reach - 1)

    def shifted(dy: int, dx: int) -> Tensor:
        return around[:, :, centre + dy : centre + dy + height, centre + dx : centre + dx + width]

    first, end = centre - half, centre + half + 1
    across = until[..., end : end + width] - until[..., first : first + width]
    upright = around[:, :, centre : centre + height].clone()
    for along in range(1, half + 1):
        upright.add_(around[:, :, centre - along : centre - along + height])
        upright.add_(around[:, :, centre + along : centre + along + height])
    for end in (-reach, reach):
        result.add_(across[:, :, centre + end : centre + end + height], alpha=weight)
        result.add_(upright[..., centre + end : centre + end + width], alpha=weight)
    for end in (-reach - 1, reach + 1):
        result.sub_(shifted(end, 0), alpha=weight).sub_(shifted(0, end), alpha=weight)
