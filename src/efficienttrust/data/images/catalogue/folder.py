"""Folders of image files: one folder for each class, or a CSV of labels and groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from efficienttrust.data.images._cache import decoded, workers
from efficienttrust.data.images._decoding import size_of
from efficienttrust.data.images._files import DAMAGE, Archives, ImageFile, is_image
from efficienttrust.data.images._listed import refuse_bad_lists
from efficienttrust.data.images._reading import (
    SPLIT_WORDS,
    UNITS,
    RawImages,
    Wanted,
    image_formats,
    official,
    refuse_divided_units,
    refuse_options,
    size_option,
)
from efficienttrust.errors import UsageError, unknown_name

if TYPE_CHECKING:
    import pandas as pd

TABLE = "labels.csv"
FILE_COLUMNS = ("image", "path", "file", "filename", "file_name", "image_path")
LABEL_COLUMNS = ("label", "class", "y", "target")
SPLIT_COLUMNS = ("split", "part")
CHANNELS = {"grey": 1, "rgb": 3}


@image_formats.register("folder")
def read_folder(path: Path, wanted: Wanted) -> RawImages:
    """Read `<class>/*.png`, `<split>/<class>/*.png`, or the images that a CSV names.

    The CSV is `labels.csv` in the folder, or `path` itself: a column of file names (`image`, `path`, `file` or the
    first), relative to the CSV, a label, and whatever else: sensitive attributes are asked for by name, `patient_id`
    keeps a patient's images together, `split` is the official split. Images of different sizes are scaled to the size
    that most of them have, unless `?size=64` says another; `?colour=grey` makes them grey.
    """
    refuse_options(wanted, "size", "colour")
    colour = wanted.options.get("colour", "rgb")
    if colour not in CHANNELS:
        raise unknown_name("value of colour", colour, CHANNELS)
    table = path / TABLE if path.is_dir() else path
    raw, files = _listed(table, wanted) if table.is_file() else _in_classes(path, wanted)
    if not files:
        raise UsageError(f"{path} holds no images: expected <class>/*.png, <split>/<class>/*.png or {TABLE}")
    side = size_option(wanted)
    notes: list[str] = []
    size = (side, side) if side else _usual_size(files, notes)
    x = decoded(files, size=size, channels=CHANNELS[colour])
    return RawImages(name=path.stem, x=x, notes=tuple(notes), **raw)


def _in_classes(path: Path, wanted: Wanted) -> tuple[dict[str, Any], list[ImageFile]]:
    """Return everything about images in folders of classes but the pixels, and the files."""
    if wanted.sensitive or wanted.label:
        raise UsageError(f"{path} has no {TABLE}, so that labels are the folders and there are no sensitive attributes")
    splits = [folder for folder in _folders(path) if folder.name.lower() in SPLIT_WORDS]
    if not splits:
        rows = list(_classes(path))
        return {"part": "all", "y": np.array([name for _file, name in rows])}, [file for file, _name in rows]
    by_split = [(SPLIT_WORDS[folder.name.lower()], list(_classes(folder))) for folder in splits]
    chosen = [each for each in by_split if each[0] == wanted.part] or by_split
    names = [name for _split, rows in by_split for _file, name in rows]
    raw = {
        "part": wanted.part if chosen is not by_split else "all",
        "y": np.array([name for _split, rows in chosen for _file, name in rows]),
        "vocabulary": np.array(names),
        "split": np.array([split for split, rows in chosen for _row in rows]),
    }
    return raw, [file for _split, rows in chosen for file, _name in rows]


def _classes(folder: Path) -> Iterator[tuple[ImageFile, str]]:
    for inner in _folders(folder):
        for file in sorted(inner.rglob("*")):
            if is_image(file.name):
                yield ImageFile(file), inner.name


def _folders(path: Path) -> list[Path]:
    return sorted(entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def _listed(path: Path, wanted: Wanted) -> tuple[dict[str, Any], list[ImageFile]]:
    """Return everything about the images of a CSV but the pixels, and the files."""
    table = _table(path)
    file_column = _column(table, FILE_COLUMNS) or str(table.columns[0])
    label = wanted.label or _column(table, LABEL_COLUMNS)
    if label is None:
        raise UsageError(f"which column of {path} is the label? Add --label NAME. It has {', '.join(table.columns)}")
    for name in (label, *wanted.sensitive):
        if name not in table:
            raise unknown_name(f"column of {path}", name, table.columns)
    if empty := int(table[[file_column, label]].isna().any(axis=1).sum()):
        raise UsageError(f"{empty} rows of {path} have no {file_column} or no {label}: fill them in, or drop the rows")
    refuse_bad_lists(path.parent, (path, table[file_column]))
    vocabulary = table[label].to_numpy()
    division, part = None, "all"
    unit = _column(table, UNITS)
    if (column := _column(table, SPLIT_COLUMNS)) is not None:
        division = official(table[column].to_numpy(), f"column {column!r} of {path}")
        if unit is not None:
            refuse_divided_units(table[unit].to_numpy(), division, str(path))
        if (rows := division == wanted.part).any():
            table, division, part = table[rows], division[rows], wanted.part
    raw = {
        "part": part,
        "y": table[label].to_numpy(),
        "vocabulary": vocabulary,
        "attributes": {name: table[name].to_numpy() for name in wanted.sensitive},
        "unit": None if unit is None else table[unit].to_numpy(),
        "split": division,
    }
    return raw, [ImageFile(path.parent / str(name)) for name in table[file_column]]


def _table(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        table = pd.read_csv(path)
    except (OSError, ValueError, EOFError) as error:  # errors of pandas' parser are ValueErrors
        raise UsageError(f"{path} is not a CSV that can be read: {' '.join(str(error).split())}") from error
    if not len(table):
        raise UsageError(f"{path} names no images")
    return table


def _column(table: pd.DataFrame, names: Sequence[str]) -> str | None:
    lowered = {str(column).lower(): str(column) for column in table.columns}
    return next((lowered[name] for name in names if name in lowered), None)


def _usual_size(files: list[ImageFile], notes: list[str]) -> tuple[int, int] | None:
    """Return the size that most images have; `None` when they are all alike."""
    sizes = Counter(_sizes(files))
    if len(sizes) < 2:
        return None
    (size, count), *_rest = sizes.most_common(1)
    notes.append(
        f"images have {len(sizes)} sizes; all were scaled to {size[1]}x{size[0]}, that of {count} of {len(files)}, "
        "whatever their proportions: ?size=PIXELS sets another"
    )
    return size


def _sizes(files: list[ImageFile]) -> Iterator[tuple[int, int]]:
    """Yield the size of every image whose header can be read; what is broken is reported when it is decoded."""

    def size(file: ImageFile) -> tuple[int, int] | None:
        try:
            return size_of(file, archives)
        except DAMAGE:
            return None

    with Archives() as archives, ThreadPoolExecutor(workers()) as threads:
        yield from (found for found in threads.map(size, files) if found is not None)
