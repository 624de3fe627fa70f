"""ImageNet (ILSVRC 2012) and Tiny ImageNet, in the folders that their archives unpack to."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from efficienttrust.data.images._cache import decoded
from efficienttrust.data.images._files import ImageFile, is_image
from efficienttrust.data.images._reading import Array, RawImages, Wanted, image_formats, refuse_options, size_option
from efficienttrust.errors import UsageError

SIZE = 224
MARGIN = 256 / 224
"""The shorter side is scaled to so many times the side that is cut from the centre."""

DEVKITS = ("ILSVRC2012_devkit_t12/data", "../ILSVRC2012_devkit_t12/data", "devkit/data", "data")
TRUTH = "ILSVRC2012_validation_ground_truth.txt"
ANNOTATIONS = "val_annotations.txt"
NAMES = ("LOC_synset_mapping.txt", "words.txt")

Labelled = list[tuple[Path, str]]
"""Image file and wnid."""


@image_formats.register("imagenet")
def read_imagenet(path: Path, wanted: Wanted) -> RawImages:
    """Read `train/<wnid>/*.JPEG` and `val`, which serves as the test part, as its labels alone are public.

    `val` holds `<wnid>/*.JPEG`, or all images at once with the development kit beside it, or `images` and
    `val_annotations.txt` (Tiny ImageNet). Images are scaled to 256 pixels on the shorter side and cut to 224x224
    (`?size=` cuts another size, at the same proportion); those of Tiny ImageNet, which are 64x64, stay as they are.

    References:
        Russakovsky et al. 2015, "ImageNet large scale visual recognition challenge".
    """
    refuse_options(wanted, "size")
    if wanted.sensitive or wanted.label:
        raise UsageError("ImageNet has neither groups nor other labels: leave out --sensitive, --label")
    parts = {"train": ("train",), "test": ("val",), "all": ("train", "val")}[wanted.part]
    labelled = [_labelled(path, part) for part in parts]
    files = [ImageFile(file) for part in labelled for file, _wnid in part]
    wnids = sorted({wnid for part in labelled for _file, wnid in part} | set(_train_wnids(path)))
    place = {wnid: code for code, wnid in enumerate(wnids)}
    return RawImages(
        name="imagenet",
        part=wanted.part,
        x=_pixels(files, size_option(wanted), tiny=(path / "val" / ANNOTATIONS).exists()),
        y=np.array([place[wnid] for part in labelled for _file, wnid in part], dtype=np.int64),
        classes=class_names(path, wnids),
        notes=("the part 'test' is the official validation set",) if "val" in parts else (),
        split=np.repeat(["test" if part == "val" else part for part in parts], [len(part) for part in labelled]),
    )


def _pixels(files: list[ImageFile], size: int | None, *, tiny: bool) -> Array:
    if tiny and size is None:
        return decoded(files, channels=3)
    side = size or SIZE
    return decoded(files, size=(side, side), short_side=round(side * MARGIN), channels=3)


def _labelled(path: Path, part: str) -> Labelled:
    folder = path / part
    if not folder.is_dir():
        raise UsageError(f"the folder {part} of ImageNet is missing: it should be at {folder}")
    found = list(_flat(path, folder)) if part == "val" and not _wnids(folder) else list(_in_folders(folder))
    if not found:
        raise UsageError(f"{folder} holds no images: expected <wnid>/*.JPEG, such as n01440764/n01440764_10026.JPEG")
    return found


def _in_folders(folder: Path) -> Iterator[tuple[Path, str]]:
    for wnid in _wnids(folder):
        inner = folder / wnid / "images"  # Tiny ImageNet has one more folder
        for file in sorted((inner if inner.is_dir() else folder / wnid).iterdir()):
            if is_image(file.name):
                yield file, wnid


def _flat(path: Path, folder: Path) -> Iterator[tuple[Path, str]]:
    if (folder / ANNOTATIONS).exists():
        with open(folder / ANNOTATIONS, encoding="utf-8", newline="") as lines:
            for row in csv.reader(lines, delimiter="\t"):
                if len(row) < 2:
                    raise UsageError(f"{folder / ANNOTATIONS} has a line without file and class: copy it again")
                yield folder / "images" / row[0], row[1]
        return
    files = sorted(file for file in folder.iterdir() if is_image(file.name))
    kit = next((path / name for name in DEVKITS if (path / name / TRUTH).exists()), None)
    if kit is None or not (kit / "meta.mat").exists():
        raise UsageError(
            f"{folder} has no folders of classes, so that labels come from the development kit: {TRUTH} and meta.mat "
            f"should be in {path / DEVKITS[0]}"
        )
    numbers = (kit / TRUTH).read_text(encoding="utf-8").split()
    if len(numbers) != len(files):
        raise UsageError(f"{folder} holds {len(files)} images, but {kit / TRUTH} {len(numbers)} labels: copy it again")
    wnids = {number: wnid for number, wnid, _words in _synsets(kit)}
    for file, number in zip(files, numbers, strict=True):
        if not number.isdigit() or int(number) not in wnids:
            raise UsageError(f"{kit / TRUTH} has the label {number}, which meta.mat does not name")
        yield file, wnids[int(number)]


def _synsets(kit: Path) -> list[tuple[int, str, str]]:
    """Return (number, wnid, words) of the classes in `meta.mat`."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        table = loadmat(kit / "meta.mat", squeeze_me=True)["synsets"]
        rows = [(int(row["ILSVRC2012_ID"]), str(row["WNID"]), str(row["words"])) for row in table]
    except (OSError, ValueError, LookupError, TypeError, NotImplementedError, MatReadError) as error:
        raise UsageError(f"{kit / 'meta.mat'} cannot be read: {' '.join(str(error).split())}") from error
    return rows


def _train_wnids(path: Path) -> list[str]:
    """Return the classes of the training images, which are classes even where a part lacks them."""
    return _wnids(path / "train") if (path / "train").is_dir() else []


def _wnids(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and entry.name != "images")


def class_names(path: Path, wnids: list[str]) -> tuple[str, ...]:
    """Return the words of each class where there is a list of them; two that read alike are told apart by wnid."""
    words = _words(path)
    names = [words.get(wnid, wnid) for wnid in wnids]
    count = Counter(names)
    return tuple(name if count[name] == 1 else f"{name} ({wnid})" for name, wnid in zip(names, wnids, strict=True))


def _words(path: Path) -> Mapping[str, str]:
    for name in NAMES:
        if (path / name).exists():
            lines = (path / name).read_text(encoding="utf-8").splitlines()
            return {line[:9]: line[9:].strip() for line in lines if line.strip()}
    kit = next((path / name for name in DEVKITS if (path / name / "meta.mat").exists()), None)
    return {} if kit is None else {wnid: words for _number, wnid, words in _synsets(kit)}
