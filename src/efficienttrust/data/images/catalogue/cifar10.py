"""CIFAR-10: the official python and binary batches, in a folder or their archive, and a lossless subset as `.npz`."""

from __future__ import annotations

import io
import pickle
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from efficienttrust.data.images._reading import Array, RawImages, Wanted, image_formats
from efficienttrust.data.images.catalogue.npz import read_npz
from efficienttrust.errors import UsageError

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
TRAIN = tuple(f"data_batch_{number}" for number in range(1, 6))
TEST = ("test_batch",)
FOLDERS = ("", "cifar-10-batches-py", "cifar-10-batches-bin", "cifar10", "cifar10/cifar-10-batches-py")
SUBSETS = ("cifar10_lossless_subset.npz", "cifar10/cifar10_lossless_subset.npz")
ARCHIVES = ("cifar-10-python.tar.gz", "cifar-10-binary.tar.gz")
IMAGE = 3 * 32 * 32
ALLOWED = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("_codecs", "encode"),
}
"""All that a batch may name; anything else in a pickle is refused."""


@image_formats.register("cifar10", "cifar-10")
def read_cifar10(path: Path, wanted: Wanted) -> RawImages:
    """Read CIFAR-10 from a folder, an archive or a `.npz` file.

    References:
        Krizhevsky 2009, "Learning multiple layers of features from tiny images".
    """
    subset = path if path.suffix == ".npz" else next((path / name for name in SUBSETS if (path / name).exists()), None)
    chosen = {"test": TEST, "train": TRAIN, "all": (*TRAIN, *TEST)}[wanted.part]
    batches = list(_batches(path, chosen))
    if not batches and subset is not None:
        raw = read_npz(subset, wanted)
        notes = () if raw.part == "all" and wanted.part == "all" else (f"read from {subset.name}",)
        return RawImages("cifar10", raw.part, raw.x, raw.y, CLASSES, raw.attributes, notes)
    if len(batches) != len(chosen):
        raise UsageError(
            f"{path} holds {len(batches)} of the {len(chosen)} batches of CIFAR-10 ({', '.join(chosen[:2])}, …): give "
            f"the folder cifar-10-batches-py or {ARCHIVES[0]}"
        )
    if wanted.sensitive or wanted.label:
        raise UsageError("the batches of CIFAR-10 have neither groups nor other labels: leave out --sensitive, --label")
    x, y = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    return RawImages("cifar10", wanted.part, x.reshape(-1, 3, 32, 32), y, CLASSES)


def _batches(path: Path, names: tuple[str, ...]) -> Iterator[tuple[Array, Array]]:
    """Yield (pixels [n, 3072], labels [n]) of the batches that are there."""
    for name, content in _contents(path, names):
        try:
            yield _binary(content) if name.endswith(".bin") else _python(content)
        except (pickle.UnpicklingError, EOFError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise UsageError(f"{name} in {path} is damaged or not a batch of CIFAR-10: {error}") from error


def _contents(path: Path, names: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    archive = path if path.is_file() else next((path / name for name in ARCHIVES if (path / name).exists()), None)
    if path.is_dir():
        for folder in FOLDERS:
            files = [path / folder / f"{name}{suffix}" for suffix in ("", ".bin") for name in names]
            present = [file for file in files if file.is_file()][: len(names)]
            if present:
                yield from ((file.name, file.read_bytes()) for file in present)
                return
    if archive is not None and archive.suffix != ".npz":
        yield from _archived(archive, names)


def _archived(archive: Path, names: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    wanted = {f"{name}{suffix}" for name in names for suffix in ("", ".bin")}
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                name = Path(member.name).name
                if name in wanted and member.isfile() and (file := tar.extractfile(member)) is not None:
                    yield name, file.read()
    except (tarfile.TarError, OSError, EOFError) as error:
        raise UsageError(f"{archive} is not an archive of CIFAR-10 that can be read: {error}") from error


def _binary(content: bytes) -> tuple[Array, Array]:
    """Read rows of one label byte and 3,072 pixel bytes."""
    rows = np.frombuffer(content, np.uint8).reshape(-1, 1 + IMAGE)
    return rows[:, 1:], rows[:, 0]


def _python(content: bytes) -> tuple[Array, Array]:
    batch = _ArraysOnly(io.BytesIO(content), encoding="bytes").load()
    pixels = np.asarray(batch[b"data"])
    if pixels.dtype != np.uint8 or pixels.ndim != 2 or pixels.shape[1] != IMAGE:
        raise ValueError(f"pixels of type {pixels.dtype} and shape {list(pixels.shape)}")
    return pixels, np.asarray(batch[b"labels"], dtype=np.int64)


class _ArraysOnly(pickle.Unpickler):
    """Makes arrays, lists, dictionaries, texts and numbers: nothing that a file names is called but these."""

    def find_class(self, module: str, name: str) -> Any:
        """Return one of the few things that arrays are made of; raises for anything else."""
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it wants to call {module}.{name}, which was refused")
        # its old home still answers, but warns
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)
