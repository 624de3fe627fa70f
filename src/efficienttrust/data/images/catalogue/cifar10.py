"""CIFAR-10: the official batches, a lossless subset as `.npz`, or a lossy copy as zips of JPEG files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from efficienttrust.data.images._cache import decoded
from efficienttrust.data.images._cifar import Official, missing, read_batches
from efficienttrust.data.images._files import ImageFile, members
from efficienttrust.data.images._reading import RawImages, Wanted, image_formats, refuse_options
from efficienttrust.data.images.catalogue.npz import read_npz
from efficienttrust.errors import UsageError, unknown_name

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
BATCHES = {"train": tuple(f"data_batch_{number}" for number in range(1, 6)), "test": ("test_batch",)}
OFFICIAL = Official(
    title="CIFAR-10",
    folders=("", "cifar-10-batches-py", "cifar-10-batches-bin", "cifar10", "cifar10/cifar-10-batches-py"),
    archives=("cifar-10-python.tar.gz", "cifar-10-binary.tar.gz"),
    labels=(b"labels",),
    record=(b"labels",),
)
SUBSET = "cifar10_lossless_subset.npz"
JPEGS = {"train": "cifar10_jpeg_train.zip", "test": "cifar10_jpeg_test.zip"}
LOSSY = (
    "the pixels are a JPEG copy of CIFAR-10, about 6 of 255 off on average: good for training, but take robustness and "
    "corruption figures from the official batches"
)


@image_formats.register("cifar10", "cifar-10")
def read_cifar10(path: Path, wanted: Wanted) -> RawImages:
    """Read CIFAR-10; a path to a file picks that file, in a folder the best of what is there is read.

    From a folder come the official batches, else the lossless subset, else the JPEG zips.

    References:
        Krizhevsky 2009, "Learning multiple layers of features from tiny images".
    """
    refuse_options(wanted)
    parts = ("train", "test") if wanted.part == "all" else (wanted.part,)
    if path.suffix == ".npz":
        return _subset(path, wanted)
    if path.suffix == ".zip":
        return _jpegs([(("test" if "test" in path.stem else "train"), path)], wanted)
    batches = [read_batches(path, BATCHES[part], OFFICIAL) for part in parts]
    whole = [batch for batch in batches if batch is not None]
    if len(whole) == len(parts):
        _refuse_names(wanted)
        x, y = np.concatenate([x for x, _y in whole]), np.concatenate([y for _x, (y,) in whole])
        split = np.repeat(parts, [len(x) for x, _y in whole])
        return RawImages("cifar10", wanted.part, x, y, CLASSES, split=split)
    if not whole and path.is_dir():
        if subset := _inside(path, SUBSET):
            return _subset(subset, wanted)
        if all(zips := [_inside(path, JPEGS[part]) for part in parts]):
            return _jpegs([(part, file) for part, file in zip(parts, zips, strict=True) if file], wanted)
    lacking = next(part for part, batch in zip(parts, batches, strict=True) if batch is None)
    raise missing(path, 0, BATCHES[lacking], OFFICIAL)


def _inside(folder: Path, name: str) -> Path | None:
    return next((file for file in (folder / name, folder / "cifar10" / name) if file.is_file()), None)


def _subset(path: Path, wanted: Wanted) -> RawImages:
    raw = read_npz(path, wanted)
    notes = () if raw.part == "all" and wanted.part == "all" else (f"read from {path.name}",)
    return RawImages("cifar10", raw.part, raw.x, raw.y, CLASSES, raw.attributes, notes, split=raw.split)


def _jpegs(zips: list[tuple[str, Path]], wanted: Wanted) -> RawImages:
    """Read `<class>/<number>.jpg` of each zip."""
    _refuse_names(wanted)
    files = [(part, ImageFile(path, name)) for part, path in zips for name in sorted(members(path))]
    if not files:
        raise UsageError(f"{zips[0][1]} holds no images: expected <class>/<number>.jpg")
    codes = {name: code for code, name in enumerate(CLASSES)}
    y = np.empty(len(files), dtype=np.int64)
    for row, (_part, file) in enumerate(files):
        folder = Path(file.member or "").parent.name
        if folder not in codes:
            raise unknown_name(f"class of CIFAR-10 in {file.path}", folder, CLASSES)
        y[row] = codes[folder]
    x = decoded([file for _part, file in files], size=None, channels=3)
    if x.shape[2:] != (32, 32):
        raise UsageError(f"{zips[0][1]} holds images of {x.shape[3]}x{x.shape[2]}; those of CIFAR-10 are 32x32")
    part = zips[0][0] if len(zips) == 1 else "all"
    split = np.array([part for part, _file in files])
    return RawImages("cifar10", part, x, y, CLASSES, notes=(LOSSY,), split=split)


def _refuse_names(wanted: Wanted) -> None:
    if wanted.sensitive or wanted.label:
        raise UsageError("the batches of CIFAR-10 have neither groups nor other labels: leave out --sensitive, --label")
