"""`load_images`: from a source to an `ImageSet`, as one readable sequence."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data._cards import dataset_cards
from efficienttrust.data._download import Fetch, fetched
from efficienttrust.data._groups import attribute_of, intersections
from efficienttrust.data.images._arrays import class_codes, pixels
from efficienttrust.data.images._dataset import is_dataset, read_dataset
from efficienttrust.data.images._image_set import Codes, ImageSet
from efficienttrust.data.images._reading import (
    PATH_OPTIONS,
    Array,
    Part,
    RawImages,
    Wanted,
    image_formats,
    refuse_divided_units,
)
from efficienttrust.errors import UsageError

PARTS = ("test", "train", "all")
HASHED = 2**24
"""Bytes that are hashed at a time."""


def load_images(
    source: object,
    *,
    label: str | None = None,
    sensitive: str | Sequence[str] = (),
    part: Part = "test",
    limit: int | None = None,
    seed: int = 0,
    groups: Callable[[Any], object] | None = None,
) -> ImageSet:
    """Read labelled images.

    Args:
        source: `cifar10:PATH`, `mnist:PATH` (a folder or archive of the official files; `cifar10` and `cifar100` alone
            are downloaded once), `folder:PATH` of image files (options follow a `?`, as in `folder:PATH?size=64`), a
            `.npz` file with arrays `x` and `y`, `x_test` and
            `y_test`, or `images` and `labels`; or a map-style torch `Dataset` or a Hugging Face data set (or its
            dictionary of splits).
        label: Name of the array, column or field of labels, where it has another name.
        sensitive: Names of the arrays or columns that hold sensitive attributes; without any (and without an array
            `groups`) the groups are the classes.
        part: Which part of a set that has several; a set of one part gives that, and says so.
        limit: Read at most so many images, drawn at random.
        seed: Seed of the draw.
        groups: For a data set in memory: takes an item as the data set gives it and returns its group, or a mapping of
            sensitive attribute to group.

    Raises:
        UsageError: The file is missing or damaged, has no labels, one class, or pixels outside 0-255, or a patient is
            in two official splits; one line.
    """
    if part not in PARTS:
        raise UsageError(f"part {part!r} is unknown: choose test, train or all")
    names = tuple(name.strip() for name in (sensitive.split(",") if isinstance(sensitive, str) else sensitive) if name)
    where, raw = _read(source, Wanted(part, label, names), groups)
    _refuse_ragged(raw, where)
    notes = list(raw.notes)
    if part not in ("all", raw.part):
        notes.append(f"the set has no part {part!r}: all of its images are used")
    codes, classes = class_codes(raw.y, raw.classes, where, raw.vocabulary)
    raw = replace(raw, y=codes, unit=None if raw.unit is None else _unit_codes(raw.unit, where))
    if raw.unit is not None and raw.split is not None:
        refuse_divided_units(raw.unit, raw.split, where)
    settled = raw.settled or (isinstance(raw.x, np.memmap) and raw.x.dtype == np.uint8 and raw.x.ndim == 4)
    raw = _drawn(raw, limit, seed, notes)
    x, y = raw.x if settled else pixels(raw.x, where, notes), raw.y
    group_codes, group_names, attributes = _grouped(raw.attributes, y, classes, notes)
    settings = {"label": label, "sensitive": list(names), "part": part, "limit": limit, "seed": seed}
    return ImageSet(
        name=raw.name,
        source=where,
        part=raw.part,
        x=x,
        y=y,
        classes=classes,
        groups=group_codes,
        group_names=group_names,
        attributes=attributes,
        by_class=not raw.attributes,
        notes=tuple(notes),
        fingerprint=_fingerprint(classes, x, y, *(codes for codes, _names in attributes.values())),
        settings=settings,
        unit=raw.unit,
        split=raw.split,
    )


def is_image_source(source: object) -> bool:
    """Return whether a source is images (`cifar10:../data`, `set.npz`, a torch `Dataset`) and not a table."""
    if not isinstance(source, str | Path):
        return is_dataset(source)
    text = str(source)
    if text.lower().endswith(".npz") or download_of(text) is not None:
        return True
    return text.partition(":")[0] in image_formats.names() and ":" in text


def download_of(word: str) -> Fetch | None:
    """Return what is downloaded when the word of an image set stands alone; None where nothing is."""
    if word not in image_formats.names() or word not in dataset_cards.names():
        return None
    return dataset_cards.get(word).fetch


def _read(source: object, wanted: Wanted, groups: Callable[[Any], object] | None) -> tuple[str, RawImages]:
    """Return what the source is called, in messages and to load it again, and what it holds."""
    if not isinstance(source, str | Path):
        return f"the data set {type(source).__name__}", read_dataset(source, wanted, groups)
    if groups is not None:
        raise UsageError(f"groups= is for data sets in memory; name the attributes of {source} by sensitive=")
    word, path = _parse(str(source))
    query = ""
    while not path.exists() and "?" in str(path):  # names of folders, and paths in options, may hold a question mark
        text, _mark, behind = str(path).rpartition("?")
        path, query = Path(text), f"{behind}?{query}" if query else behind
    if not path.exists():
        raise UsageError(f"there is no file or folder {path}; give the images as {word}:PATH")
    options = _options(query)
    for name in options.keys() & set(PATH_OPTIONS):  # so that the recorded source holds in any working folder
        options[name] = str(Path(options[name]).expanduser().resolve())
    raw = image_formats.get(word)(path, replace(wanted, options=options))
    query = "&".join(f"{name}={value}" for name, value in options.items())
    return f"{word}:{path.resolve()}{'?' if query else ''}{query}", raw


def _options(query: str) -> dict[str, str]:
    """Return the options behind the `?` of a source: `size=64&view=ap` -> {`size`: `64`, `view`: `ap`}."""
    options = {}
    for part in filter(None, query.split("&")):
        name, equals, value = part.partition("=")
        if not equals or not value:
            raise UsageError(f"option {part!r} of the images has no value: write NAME=VALUE, as in size=64")
        options[name] = value
    return options


def _parse(source: str) -> tuple[str, Path]:
    """Return the format and the path: `cifar10:../data` -> (`cifar10`, `../data`)."""
    word, colon, path = source.partition(":")
    if not colon:
        if source.lower().endswith(".npz"):
            return "npz", Path(source).expanduser()
        if (official := download_of(source)) is not None:
            return source, fetched(source, official)
        known = ", ".join(f"{name}:PATH" for name in image_formats.names())
        raise UsageError(f"cannot tell what images {source!r} are: give {known} or a .npz file")
    return image_formats.canonical(word), Path(path).expanduser()


def _refuse_ragged(raw: RawImages, where: str) -> None:
    """Refuse a set without images, or without one label, attribute, patient and split for each."""
    n = len(raw.x)
    if n != len(raw.y):
        raise UsageError(f"{where} holds {n} images and {len(raw.y)} labels; give one label an image")
    if not n:
        raise UsageError(f"{where} holds no images")
    for name, values in {**raw.attributes, "unit": raw.unit, "split": raw.split}.items():
        if values is not None and np.shape(values) != (n,):
            raise UsageError(f"array {name!r} of {where} has shape {list(np.shape(values))}; give one value an image")


def _unit_codes(unit: Array, where: str) -> Codes:
    import pandas as pd

    codes, _values = pd.factorize(pd.Series([None if value == "" else value for value in unit.tolist()]), sort=False)
    if unknown := int(np.count_nonzero(codes < 0)):
        raise UsageError(f"{unknown} images of {where} have no patient: fill it in, or leave these images out")
    return codes.astype(np.int64)


def _drawn(raw: RawImages, limit: int | None, seed: int, notes: list[str]) -> RawImages:
    if limit is None or limit >= len(raw.y):
        return raw
    if limit < 2:
        raise UsageError(f"limit {limit} leaves too few images to measure; ask for more")
    rows = np.sort(np.random.default_rng(seed).permutation(len(raw.y))[:limit])
    notes.append(f"{limit} of {len(raw.y)} images, drawn with seed {seed}")
    return raw.take(rows)


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
        step = max(1, HASHED * len(array) // max(1, array.nbytes))
        for start in range(0, len(array), step):
            digest.update(np.ascontiguousarray(array[start : start + step]).data)
    return digest.hexdigest()
