"""What a format's reader gives back, and the registry that finds readers by the word in front of the colon."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from efficienttrust.registry import Registry

Array = NDArray[Any]
Part = Literal["test", "train", "all"]


@dataclass(frozen=True, eq=False)
class RawImages:
    """Images as they lie in a file, of any layout and type.

    Attributes:
        name: Short name of the set.
        part: What was read: `test`, `train` or `all`.
        x: Images, [n, H, W], [n, H, W, C] or [n, C, H, W].
        y: Labels, one per image: numbers, texts, or one-hot rows.
        classes: Names of the classes by code; None where the file does not name them.
        attributes: One array per sensitive attribute asked for, [n].
        notes: What a reader must know.
        vocabulary: All labels that occur in any part of the set, where more than `y` is known.
        unit: What must not be divided between splits (the patient of each image), [n]; None where each stands alone.
        split: Official split of each image, texts among `train`, `validate` and `test`, [n]; None where there is none.
    """

    name: str
    part: str
    x: Array
    y: Array
    classes: tuple[str, ...] | None = None
    attributes: Mapping[str, Array] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    vocabulary: Array | None = None
    unit: Array | None = None
    split: Array | None = None


@dataclass(frozen=True)
class Wanted:
    """What is asked of a reader.

    Attributes:
        part: `test`, `train` or `all`.
        label: Name of the array that holds the labels; None for the usual names.
        sensitive: Names of the arrays that hold sensitive attributes.
    """

    part: Part = "test"
    label: str | None = None
    sensitive: tuple[str, ...] = ()


Reader = Callable[[Path, Wanted], RawImages]

image_formats: Registry[Reader] = Registry("image format", "efficienttrust.data.images.catalogue")
"""Readers by the word in front of the colon; a bare `.npz` path is `npz`."""
