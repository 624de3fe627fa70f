"""The files of CIFAR-10 and CIFAR-100: python and binary batches, in a folder or their archive."""

from __future__ import annotations

import io
import pickle
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from efficienttrust.data.images._reading import Array
from efficienttrust.errors import UsageError

IMAGE = 3 * 32 * 32
ALLOWED = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("_codecs", "encode"),
}
"""All that a batch may name; anything else in a pickle is refused."""


@dataclass(frozen=True)
class Official:
    """How a set is distributed.

    Attributes:
        title: Name of the set in messages.
        folders: Folders, inside the one given, that may hold the batches.
        archives: Names of the archives.
        labels: Keys of the labels in a python batch; a binary record begins with one byte for each of `record`.
        record: The same keys in the order of a binary record.
    """

    title: str
    folders: tuple[str, ...]
    archives: tuple[str, ...]
    labels: tuple[bytes, ...]
    record: tuple[bytes, ...]


def read_batches(path: Path, names: tuple[str, ...], official: Official) -> tuple[Array, list[Array]] | None:
    """Return (images uint8 [n, 3, 32, 32], one array [n] for each of `official.labels`); None when no batch is there.

    Raises:
        UsageError: Some batches are missing, or one is damaged.
    """
    batches = list(_batches(path, names, official))
    if not batches:
        return None
    if len(batches) != len(names):
        raise missing(path, len(batches), names, official)
    pixels = np.concatenate([pixels for pixels, _labels in batches])
    columns = zip(*(labels for _pixels, labels in batches), strict=True)
    return pixels.reshape(-1, 3, 32, 32), [np.concatenate(column) for column in columns]


def missing(path: Path, found: int, names: tuple[str, ...], official: Official) -> UsageError:
    """Build the error for batches that are not there."""
    several = f"{found} of the {len(names)} batches" if len(names) > 1 else "no batch"
    return UsageError(
        f"{path} holds {several} of {official.title} ({', '.join(names[:2])}{', …' if len(names) > 2 else ''}): give "
        f"the folder {official.folders[1]} or {official.archives[0]}"
    )


def _batches(path: Path, names: tuple[str, ...], official: Official) -> Iterator[tuple[Array, list[Array]]]:
    read: Callable[[bytes, Official], tuple[Array, list[Array]]]
    for name, content in _contents(path, names, official):
        read = _binary if name.endswith(".bin") else _python
        try:
            yield read(content, official)
        except (pickle.UnpicklingError, EOFError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise UsageError(
                f"{name} in {path} is damaged or not a batch of {official.title}: {_line(error)}"
            ) from error


def _contents(path: Path, names: tuple[str, ...], official: Official) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        for folder in official.folders:
            files = [path / folder / f"{name}{suffix}" for suffix in ("", ".bin") for name in names]
            present = [file for file in files if file.is_file()][: len(names)]
            if present:
                yield from ((file.name, file.read_bytes()) for file in present)
                return
    archives = [path] if path.is_file() else [path / name for name in official.archives if (path / name).exists()]
    if archives:
        yield from _archived(archives[0], names, official)


def _archived(archive: Path, names: tuple[str, ...], official: Official) -> Iterator[tuple[str, bytes]]:
    wanted = {f"{name}{suffix}" for name in names for suffix in ("", ".bin")}
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                name = Path(member.name).name
                if name in wanted and member.isfile() and (file := tar.extractfile(member)) is not None:
                    yield name, file.read()
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{archive} is not an archive of {official.title} that can be read: {_line(error)}") from error


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())


def _binary(content: bytes, official: Official) -> tuple[Array, list[Array]]:
    """Read rows of a byte for each label and 3,072 bytes of pixels."""
    rows = np.frombuffer(content, np.uint8).reshape(-1, len(official.record) + IMAGE)
    return rows[:, len(official.record) :], [rows[:, official.record.index(key)] for key in official.labels]


def _python(content: bytes, official: Official) -> tuple[Array, list[Array]]:
    batch = _ArraysOnly(io.BytesIO(content), encoding="bytes").load()
    pixels = np.asarray(batch[b"data"])
    if pixels.dtype != np.uint8 or pixels.ndim != 2 or pixels.shape[1] != IMAGE:
        raise ValueError(f"pixels of type {pixels.dtype} and shape {list(pixels.shape)}")
    return pixels, [np.asarray(batch[key], dtype=np.int64) for key in official.labels]


class _ArraysOnly(pickle.Unpickler):
    """Makes arrays, lists, dictionaries, texts and numbers: nothing that a file names is called but these."""

    def find_class(self, module: str, name: str) -> Any:
        """Return one of the few things that arrays are made of; raises for anything else."""
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it wants to call {module}.{name}, which was refused")
        # its old home still answers, but warns
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)
