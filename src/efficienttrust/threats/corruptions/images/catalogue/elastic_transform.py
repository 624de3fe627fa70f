"""Elastic transform: the image is bent by a random affine map and a smooth random field.

The original is written for 32 x 32 (CIFAR-10-C) and 224 x 224 (ImageNet-C) images; at other sizes distances and the
height of the field grow with the shorter side, so that an image is bent alike in any resolution. imagecorruptions
1.1.2 differs from the original: it leaves the affine map out and has other constants.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from efficienttrust.threats.corruptions._corruption import image_corruptions
from efficienttrust.threats.corruptions._streams import RowStreams
from efficienttrust.threats.corruptions.images._linear_map import gaussian

SHIFT_SMOOTHNESS_AFFINE = {
    "cifar": ((0.0, 0.0, 0.08), (0.05, 0.2, 0.07), (0.08, 0.06, 0.06), (0.1, 0.04, 0.05), (0.1, 0.03, 0.03)),
    "imagenet": ((2.0, 0.7, 0.1), (2.0, 0.08, 0.2), (0.05, 0.01, 0.02), (0.07, 0.01, 0.02), (0.12, 0.01, 0.02)),
}
"""Height and smoothness (standard deviation of its blur) of the field, and how far corners move, in sides."""

SIDE = {"cifar": (32, 32), "imagenet": (224, 244)}
"""Side of the original images, and the side that its constants are shares of, in pixels; 244 is a slip of theirs."""


@image_corruptions.register("elastic_transform")
def elastic_transform(images: Tensor, severity: int, generator: RowStreams, table: str) -> Tensor:
    """The image is bent by a random affine map and a smooth random field of shifts."""
    height, width = images.shape[2:]
    native, side = SIDE[table]
    scale = min(height, width) / native
    shift, smoothness, corner = (scale * side * share for share in SHIFT_SMOOTHNESS_AFFINE[table][severity - 1])
    shift *= scale  # a smoother field is flatter: its mean is over more pixels
    rows, columns = _affine_grid(generator.uniform(-corner, corner, 3, 2), height, width)
    bent = sample(images, rows, columns, mirror_border=True)
    if shift > 0:
        field = gaussian(generator.uniform(-1.0, 1.0, 2, height, width), smoothness, "reflect", 3.0).mul_(shift)
        rows = field[:, 1] + torch.arange(height, device=images.device)[:, None]
        columns = field[:, 0] + torch.arange(width, device=images.device)
        bent = sample(bent, rows, columns, mirror_border=False)
    return bent.clamp_(0.0, 1.0)


def sample(images: Tensor, rows: Tensor, columns: Tensor, *, mirror_border: bool) -> Tensor:
    """Read [n, C, H, W] at rows and columns [n, H, W], in pixels, between pixels in proportion.

    Args:
        images: The images.
        rows: Where each result pixel is read.
        columns: Likewise.
        mirror_border: Mirror about the centre of the border pixels (OpenCV) rather than about their outer edge (scipy).
    """
    height, width = images.shape[2:]
    if mirror_border:
        x, y = columns * (2.0 / (width - 1)) - 1.0, rows * (2.0 / (height - 1)) - 1.0
    else:
        x, y = columns * (2.0 / width) + (1.0 / width - 1.0), rows * (2.0 / height) + (1.0 / height - 1.0)
    return functional.grid_sample(
        images, torch.stack((x, y), -1), padding_mode="reflection", align_corners=mirror_border
    )


def _affine_grid(moves: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Return rows and columns [n, H, W] where to read, for three points [n, 3, (x, y)] moved by `moves`."""
    middle, arm = (height // 2, width // 2), min(height, width) // 3
    points = moves.new_tensor(
        [(middle[0] + arm, middle[1] + arm), (middle[0] + arm, middle[1] - arm), (middle[0] - arm, middle[1] - arm)]
    )
    moved = torch.cat((points + moves, moves.new_ones(len(moves), 3, 1)), 2)
    back = torch.linalg.solve(moved.double(), points.double().expand(len(moves), 3, 2)).float()
    y, x = torch.arange(height, device=moves.device), torch.arange(width, device=moves.device)
    columns, rows = (
        back[:, 0, axis, None, None] * x + (back[:, 1, axis, None, None] * y[:, None] + back[:, 2, axis, None, None])
        for axis in (0, 1)
    )
    return rows, columns
