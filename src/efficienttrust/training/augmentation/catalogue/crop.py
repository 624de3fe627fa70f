"""Random crops of images that are extended by reflection."""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.nn import functional

from efficienttrust.training.augmentation._augmentation import augmentations
from efficienttrust.training.augmentation._draws import integers

_SHARE = 1 / 8  # of the shorter side: 4 pixels of 32


class Crop:
    """Shifts each image by whole pixels, up to an eighth of its shorter side times the strength, in all directions.

    As He et al. 2016 do on CIFAR, but what comes into view is the image reflected at its border, not black.
    """

    def apply(self, images: Tensor, strength: float, generator: Generator) -> Tensor:
        """Return shifted images; a reach below half a pixel shifts nothing."""
        n, _, height, width = images.shape
        reach = round(strength * _SHARE * min(height, width))
        if reach == 0:
            return images
        down, across = integers(images, 2 * reach + 1, generator, 2, n)
        # Every crop is a window of the extended batch: a view, of which one is picked per image.
        windows = functional.pad(images, (reach,) * 4, mode="reflect").unfold(2, height, 1).unfold(3, width, 1)
        return windows[torch.arange(n, device=images.device), :, down, across]


augmentations.register("crop")(Crop())
