"""How a torch module is trained: device, precision, augmentation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from efficienttrust.errors import UsageError, unknown_name

Precision = Literal["auto", "fp32", "bf16"]
PRECISIONS: tuple[Precision, ...] = ("auto", "fp32", "bf16")


@dataclass(frozen=True)
class Settings:
    """How a torch module is trained.

    Attributes:
        device: `auto` (a GPU when there is one), `cpu`, `cuda` or `cuda:1`.
        precision: Of the forward and backward passes of training: `bf16` (weights stay fp32), `fp32`, or `auto`, which
            is bf16 for convolutions where the hardware multiplies it. What is measured is always measured in fp32.
        augmentation: Strength in [0, 1] by name; None takes what suits the images.
    """

    device: str = "auto"
    precision: Precision = "auto"
    augmentation: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise unknown_name("precision", self.precision, PRECISIONS)


def parse_augmentation(text: str) -> dict[str, float]:
    """Read `crop=1, flip=0.5`; `none` is no augmentation.

    Raises:
        UsageError: An unknown name, or a strength that is no number in [0, 1].
    """
    from efficienttrust.training.augmentation import augmentations

    if text.strip().lower() == "none":
        return {}
    strengths: dict[str, float] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, value = (piece.strip() for piece in part.partition("="))
        try:
            strength = float(value or 1)
        except ValueError:
            raise UsageError(f"augmentation {part!r}: write NAME=STRENGTH with a number from 0 to 1") from None
        if not 0 <= strength <= 1:
            raise UsageError(f"augmentation {part!r}: the strength is a number from 0 to 1")
        strengths[augmentations.canonical(name)] = strength
    return strengths
