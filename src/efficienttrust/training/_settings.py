"""How a torch module is trained: device, precision, augmentation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from efficienttrust.errors import UsageError, unknown_name
from efficienttrust.training._compile import COMPILES, Compile

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
        compile: Whether the training pass goes through `torch.compile`: `on`, `off`, or `auto`, which is on a GPU where
            the predicted saving exceeds the cost. Compiling is charged to the budget.
        distil: Share of the loss, in [0, 1], on the probabilities of boosted trees that are trained first, inside the
            budget; of two classes in tables. It applies to `mlp` too.
    """

    device: str = "auto"
    precision: Precision = "auto"
    augmentation: Mapping[str, float] | None = None
    compile: Compile = "auto"
    distil: float = 0.0

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise unknown_name("precision", self.precision, PRECISIONS)
        if self.compile not in COMPILES:
            raise unknown_name("choice of compile", self.compile, COMPILES)
        if not 0 <= self.distil <= 1:
            raise UsageError(f"distil {self.distil}: the teacher's share of the loss is a number from 0 to 1")
        if self.augmentation is not None:
            object.__setattr__(self, "augmentation", _checked(self.augmentation))


def parse_augmentation(text: str) -> dict[str, float]:
    """Read `crop=1, flip=0.5`; `none` is no augmentation.

    Raises:
        UsageError: An unknown name, or a strength that is no number in [0, 1].
    """
    if text.strip().lower() == "none":
        return {}
    strengths: dict[str, float] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, value = (piece.strip() for piece in part.partition("="))
        try:
            strengths[name] = float(value or 1)
        except ValueError:
            raise UsageError(f"augmentation {part!r}: write NAME=STRENGTH with a number from 0 to 1") from None
    return _checked(strengths)


def _checked(strengths: Mapping[str, float]) -> dict[str, float]:
    """Return strengths under the names of the registry, in their order."""
    from efficienttrust.training.augmentation import augmentations

    for name, strength in strengths.items():
        if not 0 <= strength <= 1:
            raise UsageError(f"augmentation {name}={strength:g}: the strength is a number from 0 to 1")
    return {name: float(strengths[given]) for name, given in sorted((augmentations.canonical(g), g) for g in strengths)}
