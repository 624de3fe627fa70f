"""What an augmentation is, how several are applied, and which suit which images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import Generator, Tensor

from efficienttrust.errors import UsageError
from efficienttrust.registry import Registry


@runtime_checkable
class Augmentation(Protocol):
    """Changes each image by itself and leaves its label as it is."""

    def apply(self, images: Tensor, strength: float, generator: Generator) -> Tensor:
        """Return new variants of images.

        Args:
            images: float [n, C, H, W] in [0, 1]; left as it was.
            strength: In [0, 1]; 0 returns the images bit for bit, 1 is as strong as the paper.
            generator: Source of all randomness, on any device.

        Returns:
            Images of the same shape, type and device, in [0, 1].
        """
        ...


@dataclass(frozen=True)
class Augmented:
    """A batch of variants.

    Attributes:
        images: float [n, C, H, W] in [0, 1].
        partners: int64 [n], which image of the batch each one was mixed with; None where none was mixed.
        weights: float [n] in [0, 1], the share of the image itself: its loss is `weights` times the loss for its own
            label plus `1 - weights` times the loss for the label of its partner. None where none was mixed.
    """

    images: Tensor
    partners: Tensor | None = None
    weights: Tensor | None = None


@runtime_checkable
class Mixing(Protocol):
    """Mixes each image with another one of the batch, and with it the labels."""

    def mix(self, images: Tensor, strength: float, generator: Generator) -> Augmented:
        """Return mixed images and how they were mixed; arguments as for `Augmentation.apply`."""
        ...


augmentations: Registry[Augmentation | Mixing] = Registry(
    "augmentation", "efficienttrust.training.augmentation.catalogue"
)


def augment(images: Tensor, strengths: Mapping[str, float], generator: Generator) -> Augmented:
    """Apply augmentations in the order given; a mixing comes last, whatever its place.

    Args:
        images: float [n, C, H, W] in [0, 1]; left as it was.
        strengths: Strength in [0, 1] by name; 0 leaves out, and draws nothing.
        generator: Source of all randomness, on any device.

    Raises:
        UsageError: An unknown name, a strength outside [0, 1], or two mixings.
    """
    mixings: list[tuple[Mixing, float]] = []
    for name, strength in strengths.items():
        if not 0.0 <= strength <= 1.0:
            raise UsageError(f"the strength of augmentation {name!r} is from 0 to 1, not {strength:g}")
        augmentation = augmentations.get(name)
        if strength == 0.0:
            continue
        if isinstance(augmentation, Mixing):
            mixings.append((augmentation, strength))
        else:
            images = augmentation.apply(images, strength, generator)
    if len(mixings) > 1:
        raise UsageError("only one augmentation can mix images with each other: set the strength of the others to 0")
    for mixing, strength in mixings:
        return mixing.mix(images, strength, generator)
    return Augmented(images)


def natural_strengths() -> dict[str, float]:
    """Return what suits photographs, where left and right mean the same: crops, flips and cut-out."""
    return {"crop": 1.0, "flip": 1.0, "cutout": 0.5}


def anatomical_strengths() -> dict[str, float]:
    """Return what suits images whose sides have a meaning (bodies, digits, writing): crops."""
    return {"crop": 1.0}
