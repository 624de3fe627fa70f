"""Data sets in memory, by their manners and not their classes: map-style torch `Dataset`s and Hugging Face's."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data.images._arrays import pixels
from efficienttrust.data.images._cache import cache_folder
from efficienttrust.data.images._reading import SPLIT_WORDS, UNITS, Array, RawImages, Wanted
from efficienttrust.errors import UsageError, unknown_name

IMAGES = ("image", "img", "images", "x", "pixel_values")
LABELS = ("label", "labels", "fine_label", "y", "target")
GROUP = "group"

AT_ONCE = 256
"""Images that are converted together."""

MOST_IN_MEMORY = 2**28
"""Bytes of pixels that stay in memory; more go into a file of the cache folder that vanishes with the process."""


def is_dataset(source: object) -> bool:
    """Return whether an object gives items by number, or splits by name, and is no text, table or array."""
    gives = hasattr(source, "__getitem__") and hasattr(source, "__len__")
    return gives and not any(hasattr(source, name) for name in ("columns", "dtype", "dtypes", "encode", "decode"))


def read_dataset(dataset: object, wanted: Wanted, groups: Callable[[Any], object] | None = None) -> RawImages:
    """Read every item once; items are `(image, label, ...)` or mappings with an image and a label.

    Images are arrays, tensors on the CPU or Pillow images, of one size, with values as `pixels` takes them.

    Args:
        dataset: Gives items by `dataset[i]` and their number by `len`; or a mapping of split name to such a data set.
        wanted: Part, field of the label, fields of sensitive attributes; the last two need items that are mappings.
        groups: Takes an item and returns its group, or a mapping of attribute to group.

    Raises:
        UsageError: It is no such data set, a field is missing, or sizes differ.
    """
    name = type(dataset).__name__
    if not is_dataset(dataset):
        raise UsageError(f"cannot read images from a {name}: give a map-style data set with len() and [i], or PATH")
    parts = _parts(dataset, wanted.part)
    columns: dict[str, list[Any]] = {}
    notes: list[str] = []
    pending: list[Array] = []
    first: Array | None = None
    with _Store() as store:
        for split, part in parts:
            for place in range(len(part)):
                item = part[place]
                image, row = _fields(item, wanted, f"item {place} of {name}")
                row |= {} if groups is None else _grouped(groups(item))
                row |= {"/split": split} if split else {}
                if columns and columns.keys() != row.keys():
                    raise UsageError(f"item {place} of {name} has the fields {list(row)}, others {list(columns)}")
                for key, value in row.items():
                    columns.setdefault(key, []).append(value)
                pending.append(image)
                first = image if first is None else first
                if image.shape != first.shape:  # of one shape, all have the same layout
                    raise _unlike(f"item {place} of {name}", image, first)
                if len(pending) == AT_ONCE:
                    store.append(pixels(np.stack(pending), name, notes), name)
                    pending = pending[:0]
        if pending:
            store.append(pixels(np.stack(pending), name, notes), name)
        x = store.images() if columns else None
    if x is None:
        raise UsageError(f"the data set {name} holds no images")
    arrays = {key: np.array(values) for key, values in columns.items()}
    return RawImages(
        name=name.lower(),
        part=wanted.part if len(parts) == 1 and parts[0][0] == wanted.part else "all",
        x=x,
        y=arrays.pop("/label"),
        classes=_class_names(parts[0][1], wanted.label),
        unit=arrays.pop("/unit", None),
        split=arrays.pop("/split", None),
        attributes=arrays,
        notes=tuple(dict.fromkeys(notes)),
        settled=True,
    )


def _parts(dataset: Any, part: str) -> list[tuple[str, Any]]:
    """Return (official split, data set) of what is to be read; the split is empty where there is none."""
    if not hasattr(dataset, "keys"):
        return [("", dataset)]
    for name in dataset:
        if str(name).lower() not in SPLIT_WORDS:
            raise unknown_name("split of a data set", str(name), SPLIT_WORDS)
    found = [(SPLIT_WORDS[str(name).lower()], dataset[name]) for name in dataset]
    return [each for each in found if each[0] == part] or found


def _fields(item: Any, wanted: Wanted, where: str) -> tuple[Array, dict[str, Any]]:
    """Return the image of an item and its label, unit and attributes; ours begin with a slash."""
    if isinstance(item, Mapping):
        found = {
            "/label": _field(item, LABELS if wanted.label is None else (wanted.label,), where),
            **{name: _field(item, (name,), where) for name in wanted.sensitive},
        }
        if (unit := next((name for name in UNITS if name in item), None)) is not None:
            found["/unit"] = item[unit]
        return _image(_field(item, IMAGES, where)), {name: _plain(value) for name, value in found.items()}
    if not isinstance(item, tuple | list) or len(item) < 2:
        raise UsageError(f"{where} is a {type(item).__name__}: a data set gives (image, label) or a mapping")
    if wanted.label or wanted.sensitive:
        raise UsageError(f"{where} has no names: leave out label= and sensitive=, and give groups= a function")
    return _image(item[0]), {"/label": _plain(item[1])}


def _field(item: Mapping[str, Any], names: tuple[str, ...], where: str) -> Any:
    for name in names:
        if name in item:
            return item[name]
    raise UsageError(f"{where} has no field {' or '.join(names)}; it has {', '.join(map(str, item))}")


def _grouped(found: object) -> dict[str, Any]:
    named = found if isinstance(found, Mapping) else {GROUP: found}
    return {str(name): _plain(value) for name, value in named.items()}


def _plain(value: Any) -> Any:
    """Return a number or text of a tensor or array of one, and anything else as an array."""
    if value is None or isinstance(value, str | int | float):
        return value
    array = np.asarray(value)
    return array.item() if array.size == 1 else array


def _image(image: Any) -> Array:
    if hasattr(image, "convert") and image.mode not in ("L", "RGB"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    array: Array = np.asarray(image)
    return array


def _class_names(dataset: Any, label: str | None) -> tuple[str, ...] | None:
    """Return the names that a torchvision or Hugging Face data set gives its classes."""
    features = getattr(dataset, "features", None)
    if isinstance(features, Mapping):
        named = [features[name] for name in ((label,) if label else LABELS) if name in features]
        names = getattr(named[0], "names", None) if named else None
    else:
        names = getattr(dataset, "classes", None)
    return tuple(map(str, names)) if names else None


def _unlike(where: str, image: Array, other: Array) -> UsageError:
    return UsageError(
        f"{where} has an image of shape {list(image.shape)}, others {list(other.shape)}: resize and convert them alike "
        "in the data set"
    )


class _Store:
    """Blocks of images, in memory while they are few."""

    def __init__(self) -> None:
        self._blocks: list[NDArray[np.uint8]] = []
        self._file: IO[bytes] | None = None
        self._rows = 0

    def append(self, block: NDArray[np.uint8], where: str) -> None:
        if self._blocks and block.shape[1:] != self._blocks[0].shape[1:]:
            raise _unlike(where, block[0], self._blocks[0][0])
        self._rows += len(block)
        try:
            for waiting in self._spilt(block):
                assert self._file is not None
                self._file.write(waiting.data)
        except OSError as error:
            raise UsageError(
                f"the images of {where} cannot be written to {cache_folder()} ({error.strerror}): make room, or set "
                "EFFICIENTTRUST_CACHE to a larger disk"
            ) from error

    def __enter__(self) -> _Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:  # a map of it stays
            self._file.close()

    def images(self) -> NDArray[np.uint8]:
        if self._file is None:
            return np.concatenate(self._blocks)
        self._file.flush()
        return np.memmap(self._file, np.uint8, "r", shape=(self._rows, *self._blocks[0].shape[1:]))

    def _spilt(self, block: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
        """Yield what has to go to the file now: nothing while all fits into memory, all of it once, then each block."""
        if self._file is not None:
            yield block
            return
        self._blocks.append(block)
        if self._rows * block[0].nbytes > MOST_IN_MEMORY:
            cache_folder().mkdir(parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=cache_folder())  # noqa: SIM115  closed on leaving
            yield from self._blocks
            del self._blocks[1:]
