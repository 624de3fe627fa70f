"""The relief of drops of water: light from one side on a surface that falls off with the distance to its outline."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_FAR = 20  # distances are cut here, in pixels


def relief(grey: Tensor) -> Tensor:
    """Return the embossed map [n, 1, H, W] of 8-bit levels for drops of brightness `grey` (0 to 255, 0 is dry)."""
    distance = box_mean(distance_to(outlines(grey))).floor_()
    return box_mean(_emboss(equalised(distance.to(torch.int64)))).round_()


def outlines(grey: Tensor) -> Tensor:
    """Return 1 for wet pixels with a dry one above, below or beside them, else 0."""
    wet = grey.sign()
    around = functional.pad(wet, (1, 1, 1, 1), mode="replicate")
    inner = torch.minimum(around[:, :, :-2, 1:-1], around[:, :, 2:, 1:-1])
    for sideways in (around[:, :, 1:-1, :-2], around[:, :, 1:-1, 2:]):
        inner = torch.minimum(inner, sideways, out=inner)
    return wet.sub_(inner).clamp_(min=0.0)


def distance_to(outline: Tensor) -> Tensor:
    """Return the Euclidean distance [n, 1, H, W] to the nearest pixel of 1, at most 20 pixels."""
    upright = (1.0 - outline).mul_(float(_FAR))
    step = 1
    while step < min(_FAR, outline.shape[2]):  # doubling: after k rounds outlines within 2^k - 1 rows are seen
        shifted = upright + float(step)
        torch.minimum(upright[:, :, step:], shifted[:, :, :-step], out=upright[:, :, step:])
        torch.minimum(upright[:, :, :-step], shifted[:, :, step:], out=upright[:, :, :-step])
        step *= 2
    nearest = upright.square_()
    square = nearest.clone()
    for shift in range(1, min(_FAR, outline.shape[3])):
        moved = square + float(shift**2)
        torch.minimum(nearest[..., shift:], moved[..., :-shift], out=nearest[..., shift:])
        torch.minimum(nearest[..., :-shift], moved[..., shift:], out=nearest[..., :-shift])
    return nearest.sqrt_()


def equalised(levels: Tensor) -> Tensor:
    """Spread 8-bit levels so that all are about as frequent (OpenCV's `equalizeHist`); an image of one level stays."""
    n = len(levels)
    flat = levels.view(n, -1)
    rows = torch.arange(n, device=levels.device)[:, None] * 256
    counts = torch.bincount((flat + rows).view(-1), minlength=256 * n).view(n, 256)
    seen = counts.cumsum(1)
    lowest = counts.gather(1, flat.amin(1, keepdim=True))
    total = flat.shape[1]
    spread = ((seen - lowest).clamp_(min=0) * (255.0 / (total - lowest).clamp(min=1))).round_()
    table = torch.where(lowest == total, torch.arange(256.0, device=levels.device), spread)
    return table.view(-1).index_select(0, (flat + rows).view(-1)).view(levels.shape)


def box_mean(images: Tensor) -> Tensor:
    """Return the mean over 3 x 3 pixels, the border mirrored."""
    around = functional.pad(images, (1, 1, 1, 1), mode="reflect")
    rows = (around[:, :, :-2] + around[:, :, 1:-1]).add_(around[:, :, 2:])
    return (rows[..., :-2] + rows[..., 1:-1]).add_(rows[..., 2:]).div_(9.0)


def _emboss(levels: Tensor) -> Tensor:
    """Light from the lower right: the kernel [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], cut to 8 bits."""
    around = functional.pad(levels, (1, 1, 1, 1), mode="reflect")
    up, middle, down = around[:, :, :-2], around[:, :, 1:-1], around[:, :, 2:]
    result = torch.add(middle[..., 1:-1] + middle[..., 2:], middle[..., :-2], alpha=-1.0)
    result.add_(up[..., :-2], alpha=-2.0).sub_(up[..., 1:-1]).add_(down[..., 1:-1]).add_(down[..., 2:], alpha=2.0)
    return result.clamp_(0.0, 255.0)
