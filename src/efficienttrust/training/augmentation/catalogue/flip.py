"""Horizontal flips."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from efficienttrust.training.augmentation._augmentation import augmentations
from efficienttrust.training.augmentation._draws import uniform


class Flip:
    """Mirrors left and right in half of the images at strength 1, in the half of `strength` in general.

    Not for images whose sides have a meaning: `anatomical_strengths` leaves it out.
    """

    def apply(self, images: Tensor, strength: float, generator: Generator) -> Tensor:
        """Return the images, some of them mirrored."""
        flipped = uniform(images, generator) < strength / 2
        return torch.where(flipped[:, None, None, None], images.flip(3), images)


augmentations.register("flip")(Flip())
