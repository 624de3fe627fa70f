"""`load_image_problem`: from labelled images to a `Problem`, as one readable sequence."""

from __future__ import annotations

import hashlib
import json
import time as clock
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data import _checks as checks
from efficienttrust.data._bundled import is_clinical
from efficienttrust.data._cards import dataset_cards
from efficienttrust.data._domain import domain_of
from efficienttrust.data._encoder import Encoder
from efficienttrust.data._groups import Attribute
from efficienttrust.data._pixels import Pixels
from efficienttrust.data._problem import Problem, Split
from efficienttrust.data._splits import SPLITS, Rows, deal, deal_rest, refuse_few_rows, refuse_one_class
from efficienttrust.data.images import ImageSet, at_resolution, load_images
from efficienttrust.data.limitations import limit_loaded

NO_TABLE = Encoder((), ())


def load_image_problem(
    source: object,
    *,
    label: str | None = None,
    sensitive: str | Sequence[str] = (),
    limit: int | None = None,
    resolution: int | None = None,
    limitations: str | Sequence[str] = (),
    seed: int = 0,
    name: str | None = None,
    groups: Callable[[Any], object] | None = None,
) -> Problem:
    """Make labelled images ready to learn from.

    Splits follow the official ones where the set has them (what is missing is cut out of its training or validation
    images), and patients are never divided. With two classes the problem is binary: the second class is positive.

    Args:
        source: As `load_images` takes it: `cifar10:PATH`, `nih_cxr:PATH`, `folder:PATH`, a `.npz` file, or a torch or
            Hugging Face data set (or its dictionary of splits).
        label: Which label to learn, where the set has several.
        sensitive: Sensitive attributes, as a sequence or as `"sex,age"`; without any, the classes are the groups.
        limit: Use at most so many images, drawn at random.
        resolution: Average images over areas until their shorter side has so many pixels.
        limitations: What the data shall lack, such as `"label_noise(0.2)"` (see `efficienttrust.data.limitations`).
        seed: Seed of the splits, of the draw and of the limitations.
        name: Name of the problem; by default that of the set.
        groups: For a data set in memory: takes an item and returns its group, or a mapping of attribute to group.

    Returns:
        The problem. Unless it came from memory, `load_image_problem(problem.source, **problem.settings)` gives it
        again.

    Raises:
        UsageError: The images cannot be read or learned from; one line says why and what to do.
    """
    wall, cpu = clock.perf_counter(), clock.process_time()
    images = load_images(source, label=label, sensitive=sensitive, part="all", limit=limit, seed=seed, groups=groups)
    if resolution is not None:
        images = at_resolution(images, resolution)
    notes = list(images.notes)
    classes, y, task = _classes(images, notes)
    if images.by_class:
        images = _by_class(images, y, classes)
    refuse_few_rows(y, label or "class", classes, clinical=isinstance(source, str) and is_clinical(source))
    split = _split(images, y, seed, notes)
    refuse_one_class(split, y, classes, "after splitting. Give more images.")
    attributes = {key: Attribute(key, names) for key, (_codes, names) in images.attributes.items()}
    codes = {key: found for key, (found, _names) in images.attributes.items()}
    notes += checks.missing_sensitive(codes)
    for key, (found, names) in images.attributes.items():
        notes += checks.small_groups(f"groups by {key!r}", names, found)
    if images.by_class:
        notes.append(
            "the groups are the classes, as no sensitive attribute was named: parity between them has no meaning"
        )
    where = images.source if isinstance(source, str | Path) else "<data set>"
    word = where.partition(":")[0]
    called = name or images.name
    settings = {
        "label": label,
        "sensitive": _names(sensitive),
        "limit": limit,
        "seed": seed,
        "name": called,
        **({} if resolution is None else {"resolution": resolution}),
    }
    problem = Problem(
        name=called,
        source=where,
        task=task,
        label=label or "class",
        positive=classes[1] if task == "binary" else "",
        negative=classes[0] if task == "binary" else "",
        columns=(),
        sensitive=tuple(attributes),
        attributes=attributes,
        group_names=images.group_names,
        encoder=NO_TABLE,
        domain=domain_of(NO_TABLE),
        splits=_build_splits(images, y, split, codes),
        inputs=_empty_table(len(y)),
        notes=tuple(notes),
        card=dataset_cards.get(word) if word in dataset_cards.names() else None,
        fingerprint=_fingerprint(images, classes, split, settings),
        settings=settings,
        preparation={"wall": clock.perf_counter() - wall, "cpu": clock.process_time() - cpu},
        classes=classes,
    )
    return limit_loaded(problem, limitations, seed)


def _classes(images: ImageSet, notes: list[str]) -> tuple[tuple[str, ...], NDArray[Any], str]:
    """Return the classes that occur, the labels as their codes, and the task."""
    present = np.unique(images.y)
    if len(present) < len(images.classes):
        absent = [name for code, name in enumerate(images.classes) if code not in present]
        notes.append(f"classes without images are left out: {', '.join(absent[:5])}{', …' if len(absent) > 5 else ''}")
    classes = tuple(images.classes[code] for code in present)
    y = np.searchsorted(present, images.y)
    if len(classes) == 2:
        return classes, y.astype(np.int8), "binary"
    return classes, y.astype(np.int64), "multiclass"


def _by_class(images: ImageSet, y: NDArray[Any], classes: tuple[str, ...]) -> ImageSet:
    """Return the set with the classes that occur as its groups."""
    groups = y.astype(np.int64)
    return replace(images, groups=groups, group_names=classes, attributes={"class": (groups, classes)})


def _split(images: ImageSet, y: NDArray[Any], seed: int, notes: list[str]) -> NDArray[np.int8]:
    rows = Rows(y, images.groups, images.unit, None)
    if images.split is None:
        return deal(rows, SPLITS, seed)
    texts, codes = np.unique(images.split, return_inverse=True)
    if len(texts) == 1:  # a file that holds one official part, the training images for example
        notes.append(f"all images are of the official part {texts[0]}: the splits are cut out of it")
        return deal(rows, SPLITS, seed)
    return deal_rest(rows, codes.astype(np.int32), [str(text) for text in texts], "official split", seed)


def _build_splits(
    images: ImageSet, y: NDArray[Any], split: NDArray[np.int8], codes: Mapping[str, NDArray[np.int64]]
) -> dict[str, Split]:
    splits = {}
    for place, key in enumerate(SPLITS):
        rows = np.flatnonzero(split == place)
        splits[key] = Split(
            x=np.zeros((len(rows), 0), dtype=np.float32),
            y=y[rows],
            groups=images.groups[rows],
            codes={attribute: found[rows] for attribute, found in codes.items()},
            weight=None,
            rows=rows,
            pixels=Pixels(images.x, rows),
        )
    return splits


def _empty_table(n: int) -> Any:
    import pandas as pd

    return pd.DataFrame(index=range(n))


def _names(sensitive: str | Sequence[str]) -> list[str]:
    parts = sensitive.split(",") if isinstance(sensitive, str) else sensitive
    return [part.strip() for part in parts if part.strip()]


def _fingerprint(
    images: ImageSet, classes: tuple[str, ...], split: NDArray[np.int8], settings: Mapping[str, object]
) -> str:
    roles = {key: value for key, value in settings.items() if key != "name"}
    digest = hashlib.sha256(json.dumps([roles, classes, images.fingerprint], sort_keys=True).encode())
    digest.update(split.tobytes())
    return digest.hexdigest()
