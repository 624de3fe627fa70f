"""What an image corruption is, the registry of all of them, and the one way to apply one to a batch."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from efficienttrust.data.corrupted import SEVERITIES
from efficienttrust.errors import UsageError, unknown_name
from efficienttrust.registry import Registry
from efficienttrust.threats.corruptions._streams import RowStreams

ImageCorruption = Callable[[Tensor, int, RowStreams, str], Tensor]
"""(images [n, C, H, W] in [0, 1], severity 1 to 5, random streams of the n rows, "cifar" or "imagenet") -> images."""

TABLES: Final = ("cifar", "imagenet")
CIFAR_SIDE: Final = 64
"""Images whose longer side has at most this many pixels take the constants of CIFAR-10-C by default."""

SMALLEST_SIDE = 8
_SLACK = 1e-4  # what rounding may leave outside [0, 1]
_CHUNK = {"cpu": 1 << 19}  # values worked on at a time: little enough for the caches, enough to hide what a call costs
_LARGE_CHUNK = 1 << 26  # on an accelerator fewer and larger steps are faster

image_corruptions: Registry[ImageCorruption] = Registry(
    "image corruption", "efficienttrust.threats.corruptions.images.catalogue"
)
"""All image corruptions, by name."""


@dataclass(frozen=True)
class Corruption:
    """One corruption at one severity, ready to be applied.

    Attributes:
        name: Name in the registry.
        severity: 1 (mild) to 5 (strong).
        table: Whose constants the severity stands for: `"cifar"` (CIFAR-10-C) or `"imagenet"` (ImageNet-C).
        reason: Why this table, for reports.
        definition: What the corruption does, in one sentence.
    """

    name: str
    severity: int
    table: str
    reason: str
    definition: str

    def __call__(
        self,
        images: Tensor,
        *,
        seed: int = 0,
        generator: torch.Generator | None = None,
        rows: Sequence[int] | None = None,
    ) -> Tensor:
        """Corrupt images; arguments and errors are those of `corrupt`."""
        _check_shape(images)
        numbers = range(len(images)) if rows is None else rows
        if len(numbers) != len(images):
            raise UsageError(f"rows must number each of the {len(images)} images, not {len(numbers)}")
        if generator is not None:
            seed = int(torch.randint(2**62, (), generator=generator, device=generator.device))
        key = f"{seed} {self.name} {self.severity}"
        run = image_corruptions.get(self.name)
        result = torch.empty_like(images, memory_format=torch.contiguous_format)
        values = max(1, images[0].numel()) if len(images) else 1
        step = max(1, _CHUNK.get(images.device.type, _LARGE_CHUNK) // values)
        with torch.no_grad():
            for start in range(0, len(images), step):
                part = slice(start, start + step)
                rows_of_part = images[part].contiguous()
                if not _in_range(rows_of_part):  # here, where the values are in the cache for what follows
                    raise _out_of_range(images)
                streams = RowStreams(key, numbers[part], images.device)
                result[part] = run(rows_of_part, self.severity, streams, self.table)
        return result


def corrupt(
    images: Tensor,
    name: str,
    severity: int,
    *,
    seed: int = 0,
    table: str = "auto",
    generator: torch.Generator | None = None,
    rows: Sequence[int] | None = None,
) -> Tensor:
    """Apply one corruption to a batch of images.

    Args:
        images: [n, C, H, W] float32 in [0, 1]; C is 1 or 3; H and W are at least 8. Any device.
        name: Name of a corruption in `image_corruptions`.
        severity: 1 (mild) to 5 (strong).
        seed: Start of the random streams; the same seed gives the same images.
        table: Constants of `"cifar"` or `"imagenet"`; `"auto"` takes `"cifar"` for images of up to 64 pixels.
        generator: Takes the place of `seed`: one number is drawn from it.
        rows: Number of each image in its data set, so that a set corrupted in parts comes out as in one go; by default
            0 to n - 1.

    Returns:
        [n, C, H, W] float32 in [0, 1], not rounded to 8 bits.

    Raises:
        UsageError: Unknown name or table, a severity outside 1 to 5, images of another shape, type or range.

    Source: Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations",
    ICLR 2019. Each module under `images/catalogue` says where it differs.

    Example:
        >>> import torch
        >>> corrupt(torch.full((1, 1, 8, 8), 0.5), "brightness", 5).amax().item()
        0.800000011920929
    """
    _check_shape(images)
    return corruption(name, severity, size=tuple(images.shape[2:]), table=table)(
        images, seed=seed, generator=generator, rows=rows
    )


def corruption(name: str, severity: int, *, size: Sequence[int], table: str = "auto") -> Corruption:
    """Look up a corruption and decide which table of constants it takes.

    Args:
        name: Name of a corruption in `image_corruptions`.
        severity: 1 to 5.
        size: Height and width of the images, in pixels.
        table: `"cifar"`, `"imagenet"` or `"auto"`.
    """
    run = image_corruptions.get(name)
    if isinstance(severity, bool) or severity not in SEVERITIES:
        raise UsageError(f"severity of {name} must be a whole number from 1 to 5, not {severity}")
    reason = "asked for"
    if table == "auto":
        small = max(size) <= CIFAR_SIDE
        table = "cifar" if small else "imagenet"
        reason = f"images of {size[0]} x {size[1]} pixels, {'at most' if small else 'more than'} {CIFAR_SIDE}"
    if table not in TABLES:
        raise unknown_name("severity table", table, (*TABLES, "auto"))
    definition = (inspect.getdoc(run) or name).partition("\n")[0].rstrip(".")
    return Corruption(image_corruptions.canonical(name), int(severity), table, reason, definition)


def _check_shape(images: Tensor) -> None:
    """Refuse what is no batch of float32 images."""
    shape = tuple(images.shape)
    if len(shape) != 4 or shape[1] not in (1, 3):
        raise UsageError(
            f"images must be [n, C, H, W] with C = 1 or 3, not {list(shape)}; move the channels to place 1"
        )
    if min(shape[2:]) < SMALLEST_SIDE:
        raise UsageError(
            f"images must have at least {SMALLEST_SIDE} x {SMALLEST_SIDE} pixels, not {shape[2]} x {shape[3]}"
        )
    if images.dtype != torch.float32:
        remedy = "divide by 255 as float32" if images.dtype == torch.uint8 else "call .float()"
        raise UsageError(f"images must be float32 in [0, 1], not {images.dtype}; {remedy}")


def _in_range(images: Tensor) -> bool:
    low, high = (float(end) for end in torch.aminmax(images))
    return low >= -_SLACK and high <= 1.0 + _SLACK  # False for NaN


def _out_of_range(images: Tensor) -> UsageError:
    low, high = (float(end) for end in torch.aminmax(images))
    if low != low:
        return UsageError("images hold NaN; a corruption has no meaning there: drop or fill those pixels")
    if high > 1.5:
        return UsageError(
            f"images must lie in [0, 1], but the largest value is {high:g}; divide by 255 if these are 8-bit"
        )
    return UsageError(
        f"images must lie in [0, 1], not [{low:g}, {high:g}]; corrupt before normalisation, or undo it first"
    )
