"""Images in a `.npz` file of arrays, under the names that people give them."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from efficienttrust.data.images._reading import (
    SPLIT_WORDS,
    UNITS,
    Array,
    RawImages,
    Wanted,
    image_formats,
    official,
    refuse_divided_units,
    refuse_options,
)
from efficienttrust.errors import UsageError, did_you_mean, unknown_name

IMAGES = ("x", "images", "data")
LABELS = ("y", "labels", "targets", "label")
NAMES = ("classes", "class_names", "label_names")
SPLITS = ("train", "val", "test")
GROUPS = "groups"
SPLIT = "split"


@image_formats.register("npz")
def read_npz(path: Path, wanted: Wanted) -> RawImages:
    """Read `x` and `y`, `x_test` and `y_test`, `test_images` and `test_labels`, or `images` and `labels`.

    An array `patient_id` (or `patient`, `subject_id`, `unit`) says what is never divided between splits: one for each
    part, or one for all, in the order training, validation, test. An array `split` says which images are for training,
    validation and test.
    """
    refuse_options(wanted)
    with _open(path) as file:
        keys = {name.lower(): name for name in file.files}
        splits = [split for split in SPLITS if _find(keys, IMAGES, split)]
        chosen = [wanted.part] if wanted.part in splits else splits or [""]
        asked = wanted.sensitive or ((GROUPS,) if _find(keys, (GROUPS,), chosen[0]) else ())
        images = [_read(file, _image_key(keys, split, path), path) for split in chosen]
        x = images[0] if len(images) == 1 else np.concatenate(images)
        y = _joined(file, [_label_key(keys, split, wanted.label, path) for split in chosen], path)
        known = [_read(file, _label_key(keys, split, wanted.label, path), path) for split in splits]
        vocabulary = np.concatenate(known) if known else None
        attributes = {
            name: _joined(file, [_attribute_key(keys, name, split) for split in chosen], path) for name in asked
        }
        units = _units(file, keys, splits or [""], [len(part) for part in known] or [len(x)], path)
        unit = None if units is None else np.concatenate([units[split] for split in chosen])
        division_key = _find(keys, (SPLIT,), "")
        division = None if division_key is None else _read(file, division_key, path)
        names = next((keys[name] for name in NAMES if name in keys), None)
        classes = None if names is None else tuple(map(str, _read(file, names, path).tolist()))
        group_names = None if "group_names" not in keys else _read(file, keys["group_names"], path)
    if group_names is not None and GROUPS in attributes:
        attributes[GROUPS] = _named(attributes[GROUPS], group_names, path)
    for name, values in attributes.items():
        if values.shape != (len(x),):
            raise UsageError(f"array {name!r} of {path} has shape {list(values.shape)}; give one value an image")
    part = chosen[0] if len(chosen) == 1 and chosen[0] else "all"
    if splits:
        division = np.repeat([SPLIT_WORDS[split] for split in chosen], [len(part) for part in images])
    elif division is not None:
        division = official(division, f"array {SPLIT!r} of {path}")
    raw = RawImages(path.stem, part, x, y, classes, attributes, vocabulary=vocabulary, unit=unit, split=division)
    return raw if splits or division is None else _part_of(raw, wanted.part, path)


def _part_of(raw: RawImages, part: str, path: Path) -> RawImages:
    """Return the images that an array `split` gives to a part; all of them where it gives none."""
    assert raw.split is not None
    rows = raw.split == part
    if not rows.any():
        return raw
    if len(rows) != len(raw.x) or len(rows) != len(raw.y):
        raise UsageError(f"array {SPLIT!r} of {path} has shape {list(rows.shape)}; give one value an image")
    if raw.unit is not None:
        refuse_divided_units(raw.unit, raw.split, str(path))
    return replace(raw.take(rows), part=part, vocabulary=raw.y)


def _open(path: Path) -> Any:
    try:
        file = np.load(path, allow_pickle=False)
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise UsageError(f"{path} is not a .npz file of arrays that can be read: {_line(error)}") from error
    if isinstance(file, np.ndarray):
        raise UsageError(f"{path} holds a single array: save images and labels together with numpy.savez")
    return file


def _joined(file: Any, keys: list[str], path: Path) -> Array:
    return np.concatenate([_read(file, key, path) for key in keys])


def _units(
    file: Any, keys: Mapping[str, str], splits: list[str], lengths: list[int], path: Path
) -> dict[str, Array] | None:
    """Return the units of every part, from an array each or from one for all; None where there are none."""
    found = [key for split in splits if (key := _find(keys, UNITS, split)) is not None]
    if found and len(found) < len(splits):
        raise UsageError(f"{path} has {found[0]!r}, but no such array of every part: give one for each, or one for all")
    if not found:
        if (key := _find(keys, UNITS, "")) is None:
            return None
        found, sizes = [key], [sum(lengths)]
    else:
        sizes = lengths
    arrays = [_read(file, key, path) for key in found]
    for key, array, size in zip(found, arrays, sizes, strict=True):
        if array.shape != (size,):
            raise UsageError(
                f"array {key!r} of {path} has shape {list(array.shape)}; give one value an image, {size} of them"
            )
    whole = np.concatenate(arrays)
    if len(splits) > 1:
        refuse_divided_units(whole, np.repeat(splits, lengths), str(path))
    return dict(zip(splits, np.split(whole, np.cumsum(lengths)[:-1]), strict=True))


def _read(file: Any, key: str, path: Path) -> Array:
    try:
        array: Array = np.asarray(file[key])
    except (
        ValueError,
        OSError,
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
    ) as error:  # objects would have to be unpickled
        raise UsageError(f"array {key!r} of {path} cannot be read: {_line(error)}") from error
    return array.reshape(1) if array.ndim == 0 else array


def _image_key(keys: Mapping[str, str], split: str, path: Path) -> str:
    found = _find(keys, IMAGES, split)
    if found is None:
        raise UsageError(f"{path} has no array of images: name it x, images or data. It holds {_shown(keys)}")
    return found


def _label_key(keys: Mapping[str, str], split: str, label: str | None, path: Path) -> str:
    found = _find(keys, LABELS if label is None else (label.lower(),), split)
    if found is None and label is not None:
        raise UsageError(f"{path} has no array of labels {label!r}.{did_you_mean(label, keys.values())}")
    if found is None:
        raise UsageError(f"{path} has no array of labels: name it with --label. It holds {_shown(keys)}")
    return found


def _attribute_key(keys: Mapping[str, str], name: str, split: str) -> str:
    found = _find(keys, (name.lower(),), split)
    if found is None:
        raise unknown_name("array of a sensitive attribute", name, keys.values())
    return found


def _find(keys: Mapping[str, str], names: tuple[str, ...], split: str) -> str | None:
    """Return the key of an array: `x_test`, `test_x`, or `x` where there are no splits."""
    for name in names:
        for candidate in _spelt(name, split):
            if candidate in keys:
                return keys[candidate]
    return None


def _spelt(name: str, split: str) -> Iterator[str]:
    if split:
        yield f"{name}_{split}"
        yield f"{split}_{name}"
    else:
        yield name


def _named(codes: Array, names: Array, path: Path) -> Array:
    if codes.dtype.kind not in "iu" or codes.max() >= len(names):
        raise UsageError(f"{path}: groups must be whole numbers below {len(names)}, the number of group_names")
    return np.where(codes < 0, "", names.astype(str)[codes])


def _shown(keys: Mapping[str, str]) -> str:
    return ", ".join(list(keys.values())[:8]) or "nothing"


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
