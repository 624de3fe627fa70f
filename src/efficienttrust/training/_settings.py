"""How a torch module is trained: device, precision, augmentation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from efficienttrust.errors import UsageError, unknown_name
from efficienttrust.training._compile import COMPILES, Compile

if TYPE_CHECKING:
    import torch

Precision = Literal["auto", "fp32", "bf16", "fp16"]
PRECISIONS: tuple[Precision, ...] = ("auto", "fp32", "bf16", "fp16")


@dataclass(frozen=True)
class Settings:
    """How a torch module is trained.

    Attributes:
        device: `auto` (a GPU when there is one), `cpu`, `cuda` or `cuda:1`.
        precision: Of the forward and backward passes of training, while weights stay fp32: `bf16`; `fp16`, whose loss
            is scaled so that small gradients do not vanish, and in which nothing is attacked; `fp32`; or `auto`, which
            is bf16 for images where the hardware multiplies it. What is measured is always measured in fp32.
        augmentation: Strength in [0, 1] by name; None takes what suits the images.
        compile: Whether the training pass goes through `torch.compile`: `on`, `off`, or `auto`, which is on a GPU where
            the predicted saving exceeds the cost. Compiling is charged to the budget.
        prune: A pruning while training, as `gradual:0.8`; None prunes nothing.
        quantize: How the deployed network is quantised, as `int8`; `none`; or `auto`, which is int8 where that lets a
            wider network meet a limit on size or latency.
        distil: Share of the loss, in [0, 1], on the probabilities of boosted trees that are trained first, inside the
            budget; of two classes in tables. It applies to `mlp` too.
    """

    device: str = "auto"
    precision: Precision = "auto"
    augmentation: Mapping[str, float] | None = None
    compile: Compile = "auto"
    distil: float = 0.0
    prune: str | None = None
    quantize: str = "auto"

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
        UsageError: An unknown name, one given twice, or a strength that is no number in [0, 1].
    """
    if text.strip().lower() == "none":
        return {}
    strengths: dict[str, float] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name in strengths:
            raise UsageError(f"augmentation {name} is given twice in {text!r}: leave out one of the two")
        try:
            strengths[name] = float(value or 1)
        except ValueError:
            raise UsageError(f"augmentation {part!r}: write NAME=STRENGTH with a number from 0 to 1") from None
    return _checked(strengths)


def refuse_ignored(settings: Settings, *, by_hand: str | None, images: bool) -> tuple[str, ...]:
    """Refuse settings that what is trained would not follow; return what a report should say.

    Args:
        settings: What was asked for.
        by_hand: Name of what trains without autograd, on the CPU: `mlp`, `trees`, `lightgbm`; None of a torch module.
        images: Whether the rows are images.

    Raises:
        UsageError: A setting has no effect here, or the device is not there.
    """
    if settings.augmentation and not images:
        raise UsageError("--augment changes images, and these are rows of a table: leave it out")
    device = "cpu" if settings.device == "auto" else device_of(settings.device).type
    if by_hand is None:
        return ()
    if settings.precision in ("bf16", "fp16"):
        raise UsageError(
            f"--precision {settings.precision}: {by_hand} is trained in fp32 alone; leave it out, or choose another "
            "--model"
        )
    if settings.compile == "on":
        raise UsageError(
            f"--compile on: {by_hand} is trained without torch.compile; leave it out, or choose another --model"
        )
    if device == "cuda":
        return (f"{by_hand} was trained on the CPU, its only device, in place of --device {settings.device}",)
    return ()


def device_of(text: str, local_rank: int = 0) -> torch.device:
    """Return the device of a name; of several processes on a machine each takes the GPU of its number.

    Raises:
        UsageError: There is no such device here.
    """
    import torch

    if text in ("auto", "cuda") and torch.cuda.is_available():
        return torch.device("cuda", local_rank)
    if text == "auto":
        return torch.device("cpu")
    try:
        device = torch.device(text)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda"):
        raise UsageError(f"device {text!r} is unknown: choose auto, cpu, cuda or cuda:NUMBER")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UsageError(f"device {text!r}: torch sees no GPU here; choose cpu or auto")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UsageError(f"device {text!r}: torch sees {torch.cuda.device_count()} GPU here, the first is cuda:0")
    return device


def _checked(strengths: Mapping[str, float]) -> dict[str, float]:
    """Return strengths under the names of the registry, in their order."""
    from efficienttrust.training.augmentation import augmentations

    for name, strength in strengths.items():
        if not 0 <= strength <= 1:
            raise UsageError(f"augmentation {name}={strength:g}: the strength is a number from 0 to 1")
    return {name: float(strengths[given]) for name, given in sorted((augmentations.canonical(g), g) for g in strengths)}
