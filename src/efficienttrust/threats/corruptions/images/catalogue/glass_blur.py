"""Glass blur: pixels change places with neighbours, as behind frosted glass.

The original visits pixels in falling raster order and means to swap each with a random neighbour; its NumPy code
copies the neighbour instead, and the official data sets hold those copies. Copying in order is a set of chains: a
pixel takes its neighbour's *final* value where that neighbour was visited before, its first value otherwise.
Following all chains at once by pointer doubling gives the same result as the loop over pixels in a handful of steps.
"""

from __future__ import annotations

import torch
from torch import Tensor

from efficienttrust.threats.corruptions._corruption import image_corruptions
from efficienttrust.threats.corruptions._streams import RowStreams
from efficienttrust.threats.corruptions.images._linear_map import gaussian

SIGMA_DISTANCE_ROUNDS = {
    "cifar": ((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2)),
    "imagenet": ((0.7, 1, 2), (0.9, 2, 1), (1.0, 2, 3), (1.1, 3, 2), (1.5, 4, 2)),
}
"""Standard deviation of the blur before and after, largest distance of a neighbour, rounds of copying."""


@image_corruptions.register("glass_blur")
def glass_blur(images: Tensor, severity: int, generator: RowStreams, table: str) -> Tensor:
    """The image is blurred a little, pixels are copied from random neighbours, and it is blurred again."""
    sigma, distance, rounds = SIGMA_DISTANCE_ROUNDS[table][severity - 1]
    height, width = images.shape[2:]
    blurred = gaussian(images, sigma).mul_(255.0).add_(1e-4).floor_().div_(255.0)  # 8 bits, as the original copies them
    pixels = blurred.flatten(2)
    for _ in range(rounds):
        moves = generator.integers(-distance, distance, 2, height, width)
        source = copied_from(moves[:, 0], moves[:, 1], distance)
        pixels = pixels.gather(2, source[:, None].expand_as(pixels))
    return gaussian(pixels.view_as(images), sigma).clamp_(0.0, 1.0)


def copied_from(dx: Tensor, dy: Tensor, distance: int) -> Tensor:
    """Return [n, H * W] which pixel's first value each pixel holds after one round of copying in falling raster order.

    Args:
        dx: [n, H, W] columns to the neighbour that a pixel copies.
        dy: [n, H, W] rows to it.
        distance: Pixels nearer to the border than this copy nothing; moves go from -distance to distance - 1.
    """
    n, height, width = dx.shape
    place = torch.arange(height * width, device=dx.device)
    row, column = place // width, place % width
    inside = (row > distance) & (row <= height - distance) & (column > distance) & (column <= width - distance)
    neighbour = torch.where(inside, place + (dy * width + dx).view(n, -1), place)
    visited_before = inside[neighbour] & (neighbour > place)
    # A pixel that nobody visited, or that is read before its visit, ends a chain: it is read as it was at first.
    follow = torch.where(visited_before, neighbour, place)
    while True:
        further = follow.gather(1, follow)
        if torch.equal(further, follow):
            return neighbour.gather(1, follow)
        follow = further
