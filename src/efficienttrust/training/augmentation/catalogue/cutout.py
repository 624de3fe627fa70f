"""Cut-out (DeVries and Taylor 2017): a square of each image is hidden."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from efficienttrust.training.augmentation._augmentation import augmentations
from efficienttrust.training.augmentation._draws import integers

_SHARE = 1 / 2  # of the shorter side: 16 pixels of 32, as in the paper on CIFAR-10


class Cutout:
    """Hides a square around a random pixel, clipped at the border, of up to half the shorter side at strength 1.

    Differs in what is put there: the mean of each channel of that image, as pixels are not yet standardised here (the
    paper puts 0 into standardised images, the mean of the data set).
    """

    def apply(self, images: Tensor, strength: float, generator: Generator) -> Tensor:
        """Return images with a hidden square; a side below half a pixel hides nothing."""
        height, width = images.shape[2:]
        side = round(strength * _SHARE * min(height, width))
        if side == 0:
            return images
        top = integers(images, height, generator) - side // 2
        left = integers(images, width, generator) - side // 2
        rows, columns = _within(top, side, height), _within(left, side, width)
        hidden = (rows[:, :, None] & columns[:, None, :])[:, None]
        return torch.where(hidden, images.mean((2, 3), keepdim=True), images)


def _within(start: Tensor, length: int, size: int) -> Tensor:
    """Return which of the positions 0 to size - 1 lie in [start, start + length), [n, size]."""
    offset = torch.arange(size, device=start.device) - start[:, None]
    return (offset >= 0) & (offset < length)


augmentations.register("cutout")(Cutout())
