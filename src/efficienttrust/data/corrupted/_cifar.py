"""CIFAR-10-C and CIFAR-100-C: one array per corruption, the severities on top of each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data.corrupted._set import SEVERITIES, CorruptedImages, checked_request, missing
from efficienttrust.errors import UsageError

LABELS = "labels.npy"


def cifar_c(
    folder: str | Path, *, names: Sequence[str] | None = None, severities: Iterable[int] = SEVERITIES
) -> Iterator[CorruptedImages]:
    """Read the official folder of CIFAR-10-C or CIFAR-100-C.

    Args:
        folder: Holds `labels.npy` and `<name>.npy`: uint8 [50000, 32, 32, 3], 10000 images for each severity.
        names: Corruptions to read; by default the 15 common ones.
        severities: Severities to read.

    Yields:
        One `CorruptedImages` for each name and severity; the images are views of the mapped file.

    Raises:
        UsageError: A file is missing, truncated or of another shape. All files are checked before the first is used.
    """
    place, wanted, levels = checked_request(folder, names, severities)
    present = [file.stem for file in place.glob("*.npy") if file.name != LABELS]
    paths = {name: place / f"{name}.npy" for name in wanted}
    for path in (place / LABELS, *paths.values()):
        if not path.is_file():
            raise missing(path, present)
    labels = _mapped(place / LABELS)
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or len(labels) == 0 or len(labels) % len(SEVERITIES):
        raise UsageError(
            f"{place / LABELS} must hold whole numbers, as many for each of 5 severities, "
            f"not {labels.dtype} {list(labels.shape)}"
        )
    arrays = {name: _images(path, len(labels)) for name, path in paths.items()}
    return _parts(arrays, labels, levels)


def _parts(
    arrays: dict[str, NDArray[np.uint8]], labels: NDArray[Any], levels: tuple[int, ...]
) -> Iterator[CorruptedImages]:
    n = len(labels) // len(SEVERITIES)
    for name, images in arrays.items():
        for severity in levels:
            rows = slice((severity - 1) * n, severity * n)
            yield CorruptedImages(name, severity, images[rows], np.asarray(labels[rows], dtype=np.int64))


def _images(path: Path, rows: int) -> NDArray[np.uint8]:
    """Return the mapped array with the channels first."""
    images = _mapped(path)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
        raise UsageError(f"{path} must be uint8 [{rows}, H, W, 3], not {images.dtype} {list(images.shape)}")
    if len(images) != rows:
        raise UsageError(
            f"{path} holds {len(images)} images, but {path.parent / LABELS} {rows} labels; one is truncated"
        )
    return images.transpose(0, 3, 1, 2)


def _mapped(path: Path) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise UsageError(f"{path} is truncated or no .npy file ({error}); download it again") from None
    return array
