"""What a format's reader gives back, and the registry that finds readers by the word in front of the colon."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from efficienttrust.errors import UsageError, did_you_mean, unknown_name
from efficienttrust.registry import Registry

Array = NDArray[Any]
Part = Literal["test", "train", "all"]

SPLIT_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validate", "validation", "dev"), "validate"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""What people call an official split, in lower case, to what it is called here."""

LARGEST = 4096
"""Pixels of a side."""

UNITS = ("patient_id", "patient", "subject_id", "unit")
"""Names of the array or column whose equal values are never divided between splits."""


PATH_OPTIONS = ("demographics", "mimic_iv")
"""Options behind the `?` of a source that are paths."""


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
        settled: Whether `x` is uint8 [n, C, H, W], so that no layout has to be found; a memory map always is.
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
    settled: bool = False

    def take(self, rows: Array) -> RawImages:
        """Return some of the images, by number or by a mask; of a memory map only these are read."""
        return replace(
            self,
            x=self.x[rows],
            y=self.y[rows],
            attributes={name: values[rows] for name, values in self.attributes.items()},
            unit=None if self.unit is None else self.unit[rows],
            split=None if self.split is None else self.split[rows],
        )


@dataclass(frozen=True)
class Wanted:
    """What is asked of a reader.

    Attributes:
        part: `test`, `train` or `all`.
        label: Name of the array that holds the labels; None for the usual names.
        sensitive: Names of the arrays that hold sensitive attributes.
        options: What stands behind the `?` of the source, by name: `chexpert:PATH?size=224` has `size`.
    """

    part: Part = "test"
    label: str | None = None
    sensitive: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)


def official(values: Array, where: str) -> Array:
    """Return official splits in our words; raises `UsageError` for a value that is no split."""
    known, place = np.unique(np.asarray(values).astype(str), return_inverse=True)
    words = [SPLIT_WORDS.get(value.strip().lower(), "") for value in known.tolist()]
    for value, word in zip(known.tolist(), words, strict=True):
        if not word:
            raise UsageError(f"{where} has the split {value!r}.{did_you_mean(value, ('train', 'validate', 'test'))}")
    return np.array(words)[place]


def refuse_divided_units(unit: Array, split: Array, where: str) -> None:
    """Raise `UsageError` where a unit (a patient) is in two official splits, whichever of them is read."""
    import pandas as pd

    pairs = pd.DataFrame({"unit": unit, "split": split}).dropna().drop_duplicates()
    pairs = pairs[pairs["unit"] != ""]
    if divided := len(pairs) - pairs["unit"].nunique():
        raise UsageError(
            f"{where} has {divided} patients in two official splits: what is learned from one image of a patient is no "
            "test on another. Correct the splits, or leave them out"
        )


def refuse_options(wanted: Wanted, *known: str) -> None:
    """Raise `UsageError` for an option behind the `?` of the source that is not among the known."""
    for name in wanted.options:
        if name not in known:
            raise (
                unknown_name("option of the images", name, known)
                if known
                else UsageError(f"these images take no options: leave out ?{name}={wanted.options[name]}")
            )


def size_option(wanted: Wanted) -> int | None:
    """Return the height and width in pixels that `?size=64` asks for, 1 to 4096."""
    text = wanted.options.get("size")
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= LARGEST:
        raise UsageError(f"size={text} is no number of pixels: give one from 1 to {LARGEST}")
    return int(text)


Reader = Callable[[Path, Wanted], RawImages]

image_formats: Registry[Reader] = Registry("image format", "efficienttrust.data.images.catalogue")
"""Readers by the word in front of the colon; a bare `.npz` path is `npz`."""
