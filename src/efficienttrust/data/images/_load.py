"""`load_images`: from a source to an `ImageSet`, as one readable sequence."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data._groups import attribute_of, intersections
from efficienttrust.data.images._arrays import class_codes, pixels
from efficienttrust.data.images._image_set import Codes, ImageSet
from efficienttrust.data.images._reading import Array, Part, RawImages, Wanted, image_formats
from efficienttrust.errors import UsageError

PARTS = ("test", "train", "all")


def load_images(
    source: str | Path,
    *,
    label: str | None = None,
    sensitive: str | Sequence[str] = (),
    part: Part = "test",
    limit: int | None = None,
    seed: int = 0,
) -> ImageSet:
    """Read labelled images.

    Args:
        source: `cifar10:PATH`, `mnist:PATH` (a folder or archive of the official files), or a `.npz` file with arrays
            `x` and `y`, `x_test` and `y_test`, or `images` and `labels`.
        label: Name of the array of labels, where it has another name.
        sensitive: Names of the arrays that hold sensitive attributes; without any (and without an array `groups`) the
            groups are the classes.
        part: Which part of a set that has several; a set of one part gives that, and says so.
        limit: Read at most so many images, drawn at random.
        seed: Seed of the draw.

    Raises:
        UsageError: The file is missing or damaged, has no labels, one class, or pixels outside 0-255; one line.
    """
    if part not in PARTS:
        raise UsageError(f"part {part!r} is unknown: choose test, train or all")
    names = tuple(name.strip() for name in (sensitive.split(",") if isinstance(sensitive, str) else sensitive) if name)
    word, path = _parse(str(source))
    if not path.exists():
        raise UsageError(f"there is no file or folder {path}; give the images as {word}:PATH")
    raw = image_formats.get(word)(path, Wanted(part, label, names))
    if len(raw.x) != len(raw.y):
        raise UsageError(f"{source} holds {len(raw.x)} images and {len(raw.y)} labels; give one label an image")
    if not len(raw.y):
        raise UsageError(f"{source} holds no images")
    notes = list(raw.notes)
    if part not in ("all", raw.part):
        notes.append(f"the set has no part {part!r}: all of its images are used")
    codes, classes = class_codes(raw.y, raw.classes, str(source), raw.vocabulary)
    raw = _drawn(replace(raw, y=codes), limit, seed, notes)
    x, y = pixels(raw.x, str(source), notes), raw.y
    groups, group_names, attributes = _grouped(raw.attributes, y, classes, notes)
    settings = {"label": label, "sensitive": list(names), "part": part, "limit": limit, "seed": seed}
    return ImageSet(
        name=raw.name,
        source=f"{word}:{path.resolve()}",
        part=raw.part,
        x=x,
        y=y,
        classes=classes,
        groups=groups,
        group_names=group_names,
        attributes=attributes,
        by_class=not raw.attributes,
        notes=tuple(notes),
        fingerprint=_fingerprint(classes, x, y, *(codes for codes, _names in attributes.values())),
        settings=settings,
    )


def is_image_source(source: object) -> bool:
    """Return whether a text names images (`cifar10:../data`, `set.npz`) and not a table."""
    text = str(source)
    return text.lower().endswith(".npz") or (text.partition(":")[0] in image_formats.names() and ":" in text)


def _parse(source: str) -> tuple[str, Path]:
    """Return the format and the path: `cifar10:../data` -> (`cifar10`, `../data`)."""
    word, colon, path = source.partition(":")
    if not colon:
        if source.lower().endswith(".npz"):
            return "npz", Path(source).expanduser()
        known = ", ".join(f"{name}:PATH" for name in image_formats.names())
        raise UsageError(f"cannot tell what images {source!r} are: give {known} or a .npz file")
    return image_formats.canonical(word), Path(path).expanduser()


def _drawn(raw: RawImages, limit: int | None, seed: int, notes: list[str]) -> RawImages:
    if limit is None or limit >= len(raw.y):
        return raw
    if limit < 2:
        raise UsageError(f"limit {limit} leaves too few images to measure; ask for more")
    rows = np.sort(np.random.default_rng(seed).permutation(len(raw.y))[:limit])
    notes.append(f"{limit} of {len(raw.y)} images, drawn with seed {seed}")
    chosen = {name: values[rows] for name, values in raw.attributes.items()}
    return replace(raw, x=raw.x[rows], y=raw.y[rows], attributes=chosen)


def _grouped(
    arrays: Mapping[str, Array], y: Codes, classes: tuple[str, ...], notes: list[str]
) -> tuple[Codes, tuple[str, ...], dict[str, tuple[Codes, tuple[str, ...]]]]:
    import pandas as pd

    if not arrays:
        return y, classes, {"class": (y, classes)}
    series = {name: pd.Series(values, name=name) for name, values in arrays.items()}
    attributes = {name: attribute_of(column, notes) for name, column in series.items()}
    codes = {name: attribute.codes(series[name]) for name, attribute in attributes.items()}
    groups, names = intersections(attributes, codes, len(y))
    return groups, names, {name: (codes[name], attribute.groups) for name, attribute in attributes.items()}


def _fingerprint(classes: tuple[str, ...], *arrays: NDArray[Any]) -> str:
    digest = hashlib.sha256("\n".join(classes).encode())
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
