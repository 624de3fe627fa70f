"""Data augmentation of image batches in torch: new variants of the training images at every step.

An augmentation draws for each image of a batch on its own, without a loop over images, and has one dial: its strength,
from 0 (the very same batch) to 1 (as strong as its paper uses it), so that a policy can turn it while training runs.
Draws come from the generator given, which may live on another device than the images: the same seed then draws the
same on CPU and GPU. A *mixing* also puts images of different labels together; the caller mixes the losses.

What leaves a label as it is depends on the images. `natural_strengths` suits photographs of things.
`anatomical_strengths`, without flips, suits medical images (the heart is on the left) and signs (a mirrored 2 is no 2).
The trainer takes images of one channel for anatomical and coloured ones for natural, unless it is told otherwise.

    >>> import torch
    >>> from efficienttrust.training.augmentation import augment
    >>> generator = torch.Generator().manual_seed(0)
    >>> images = torch.rand(8, 3, 32, 32, generator=generator)
    >>> batch = augment(images, {"crop": 1.0, "flip": 0.5, "mixup": 0.2}, generator)
    >>> batch.images.shape, batch.partners.shape, batch.weights.shape
    (torch.Size([8, 3, 32, 32]), torch.Size([8]), torch.Size([8]))
"""

from efficienttrust.training.augmentation._augmentation import (
    Augmentation,
    Augmented,
    Mixing,
    anatomical_strengths,
    augment,
    augmentations,
    natural_strengths,
)

__all__ = [
    "Augmentation",
    "Augmented",
    "Mixing",
    "anatomical_strengths",
    "augment",
    "augmentations",
    "natural_strengths",
]
