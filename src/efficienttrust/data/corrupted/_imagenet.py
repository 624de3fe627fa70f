"""ImageNet-C: a tree of JPEG files, decoded when they are looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data.corrupted._set import SEVERITIES, CorruptedImages, checked_request, missing
from efficienttrust.errors import UsageError


@dataclass(frozen=True)
class JpegImages:
    """Images in files, decoded when sliced.

    Attributes:
        paths: The files, in order.
    """

    paths: tuple[Path, ...]

    def __len__(self) -> int:
        """Return how many images there are."""
        return len(self.paths)

    def __getitem__(self, rows: slice) -> NDArray[np.uint8]:
        """Decode a slice to uint8 [m, 3, H, W]; raises `UsageError` for a broken file and for sizes that differ."""
        images = [_decode(path) for path in self.paths[rows]]
        for path, image in zip(self.paths[rows], images, strict=True):
            if image.shape != images[0].shape:
                raise UsageError(
                    f"{path} is {image.shape[1:]} pixels, others are {images[0].shape[1:]}; crop them alike"
                )
        return np.stack(images) if images else np.empty((0, 3, 0, 0), dtype=np.uint8)


def imagenet_c(
    folder: str | Path,
    *,
    names: Sequence[str] | None = None,
    severities: Iterable[int] = SEVERITIES,
    classes: Sequence[str] | None = None,
) -> Iterator[CorruptedImages]:
    """Read the official folder of ImageNet-C, or of another set in its layout (Tiny ImageNet-C).

    Args:
        folder: Holds `<name>/<severity>/<class>/*.JPEG`.
        names: Corruptions to read; by default the 15 common ones.
        severities: Severities to read.
        classes: Names of the class folders in the order of the model's outputs; by default sorted, as is usual.

    Yields:
        One `CorruptedImages` for each name and severity; labels are places in `classes`.

    Raises:
        UsageError: A folder is missing, or one severity holds other classes or fewer images than the first one read.
        Folders are looked for before the first is used; files when their severity is reached.
    """
    place, wanted, levels = checked_request(folder, names, severities)
    for name in wanted:
        if not (place / name).is_dir():
            raise missing(place / name, (path.name for path in place.iterdir() if path.is_dir()))
        for severity in levels:
            if not (place / name / str(severity)).is_dir():
                raise missing(place / name / str(severity), (path.name for path in (place / name).iterdir()))
    return _parts(place, wanted, levels, None if classes is None else tuple(classes))


def _parts(
    place: Path, names: tuple[str, ...], levels: tuple[int, ...], classes: tuple[str, ...] | None
) -> Iterator[CorruptedImages]:
    first: tuple[Path, dict[str, int]] | None = None
    for name in names:
        for severity in levels:
            here = place / name / str(severity)
            files = {
                path.name: sorted(file for file in path.iterdir() if file.suffix.lower() in {".jpeg", ".jpg"})
                for path in sorted(here.iterdir())
                if path.is_dir()
            }
            counts = {label: len(paths) for label, paths in files.items()}
            first = first or (here, counts)
            _check_complete(here, counts, first)
            order = tuple(counts) if classes is None else classes
            if set(order) != set(counts):
                odd = min(set(order) ^ set(counts))
                raise UsageError(f"class {odd!r} is in only one of classes= and {here}; name every class folder once")
            paths = tuple(path for label in order for path in files[label])
            labels = np.repeat(np.arange(len(order), dtype=np.int64), [counts[label] for label in order])
            yield CorruptedImages(name, severity, JpegImages(paths), labels)


def _check_complete(here: Path, counts: dict[str, int], first: tuple[Path, dict[str, int]]) -> None:
    """Refuse a severity whose classes or numbers of images are not those of the first one read."""
    if not counts or not all(counts.values()):
        empty = here / next((label for label, count in counts.items() if not count), "")
        raise UsageError(f"{empty} holds no images; expected <class>/*.JPEG under {here}: unpack the archive again")
    for label in sorted(counts.keys() | first[1].keys()):
        mine, theirs = counts.get(label, 0), first[1].get(label, 0)
        if mine != theirs:
            raise UsageError(
                f"{here / label} holds {mine} images, {first[0] / label} {theirs}; unpack the archive again"
            )


def _decode(path: Path) -> NDArray[np.uint8]:
    from PIL import Image

    try:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))
    except OSError as error:
        raise UsageError(f"{path} cannot be decoded ({error}); unpack the archive again") from None
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))
