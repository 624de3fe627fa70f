"""MNIST and its relatives: idx files, gzipped or not, under their official names."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np

from efficienttrust.data.images._reading import Array, RawImages, Wanted, image_formats, refuse_options
from efficienttrust.errors import UsageError

STEMS = {"test": "t10k", "train": "train"}
UBYTE = 0x08


@image_formats.register("mnist")
def read_mnist(path: Path, wanted: Wanted) -> RawImages:
    """Read `t10k-images-idx3-ubyte[.gz]` and its kin from a folder.

    References:
        LeCun, Cortes and Burges, "The MNIST database of handwritten digits": big-endian magic number and sizes.
    """
    refuse_options(wanted)
    folder = path if path.is_dir() else path.parent
    present = {part: stem for part, stem in STEMS.items() if _find(folder, f"{stem}-images") is not None}
    if not present:
        raise UsageError(
            f"{folder} holds no idx files: expected t10k-images-idx3-ubyte.gz or train-images-idx3-ubyte.gz"
        )
    chosen = [wanted.part] if wanted.part in present else list(present)
    images = [_read(folder, f"{present[part]}-images") for part in chosen]
    y = np.concatenate([_read(folder, f"{present[part]}-labels") for part in chosen])
    split = np.repeat(chosen, [len(part) for part in images])
    return RawImages("mnist", chosen[0] if len(chosen) == 1 else "all", np.concatenate(images), y, split=split)


def _find(folder: Path, stem: str) -> Path | None:
    # some copies write the last hyphen as a dot
    found = sorted(
        file for file in folder.glob(f"{stem}*ubyte*") if file.suffix in ("", ".gz", ".idx3-ubyte", ".idx1-ubyte")
    )
    return found[0] if found else None


def _read(folder: Path, stem: str) -> Array:
    """Read one idx file of unsigned bytes."""
    file = _find(folder, stem)
    if file is None:
        raise UsageError(f"{folder} holds no file {stem}-idx1-ubyte.gz beside the images")
    try:
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        _zero, kind, rank = struct.unpack(">HBB", content[:4])
        shape = struct.unpack(f">{rank}I", content[4 : 4 + 4 * rank])
        if kind != UBYTE:
            raise UsageError(f"{file} holds numbers of type {kind:#x}; only unsigned bytes (0x8) are images")
        return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)
    except (OSError, EOFError, zlib.error, struct.error, ValueError) as error:
        raise UsageError(f"{file} is damaged or not an idx file: {' '.join(str(error).split())}") from error
