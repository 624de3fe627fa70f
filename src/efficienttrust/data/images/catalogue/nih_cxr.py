"""NIH ChestX-ray14: frontal chest films of the NIH Clinical Center, as distributed, or a small copy as `.npz`."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from efficienttrust.data.images._chest import FRONTAL, NO_FINDING, Films, People, finding_of, raw_images, view_of
from efficienttrust.data.images._chest_options import chest_options
from efficienttrust.data.images._chest_people import plausible_ages, sex_of
from efficienttrust.data.images._chest_tables import as_numbers, official, read_columns
from efficienttrust.data.images._listed import refuse_bad_lists
from efficienttrust.data.images._reading import Array, RawImages, Wanted, image_formats
from efficienttrust.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

RELEASE = "NIH ChestX-ray14"
ENTRIES = "Data_Entry_2017_v2020.csv"
FIRST_ENTRIES = "Data_Entry_2017.csv"
FINDINGS = (
    NO_FINDING,
    "Atelectasis",
    "Cardiomegaly",
    "Consolidation",
    "Edema",
    "Effusion",
    "Emphysema",
    "Fibrosis",
    "Hernia",
    "Infiltration",
    "Mass",
    "Nodule",
    "Pleural_Thickening",
    "Pneumonia",
    "Pneumothorax",
)
LISTS = {"train_val_list.txt": "train", "test_list.txt": "test"}
COLUMNS = {
    "Image Index": "file",
    "Finding Labels": "findings",
    "Patient ID": "patient",
    "Patient Age": "age",
    "Patient Gender": "sex",
    "View Position": "view",
}
COPY_COLUMNS = {
    "image": "file",
    "finding_labels": "findings",
    "patient_id": "patient",
    "age": "age",
    "sex": "sex",
    "view": "view",
}


@image_formats.register("nih_cxr", "nih-cxr", "chestxray14")
def read_nih_cxr(path: Path, wanted: Wanted) -> RawImages:
    """Read the folder with `Data_Entry_2017_v2020.csv`, or a copy of pixels: a `.npz` beside its `labels.csv`.

    A copy holds `images` [n, H, W] (uint8) and `image`, the names of the films; `labels.csv` has the columns image,
    finding_labels, patient_id, age, sex, view. Options of the source: `size`, `view`, `split`. Attributes: `sex`,
    `age`, `view`; the release does not tell race.

    References:
        Wang et al. 2017, "ChestX-ray8: hospital-scale chest X-ray database and benchmarks on weakly-supervised
        classification and localization of common thorax diseases".
    """
    options = chest_options(wanted)
    finding = finding_of(wanted.label, FINDINGS)
    people: People = {
        "sex": lambda table, _notes: sex_of(table["sex"]),
        "age": lambda table, notes: plausible_ages(table["age"], notes),
        "view": view_of,
    }
    archive = _archive(path)
    if archive is not None:
        table, pixels = _copied(archive, finding)
        films = Films("nih_cxr", archive, finding, table, people, pixels=pixels)
    else:
        films = Films("nih_cxr", path, finding, _released(path, finding, options.split == "official"), people)
    return raw_images(films, wanted, options)


def _archive(path: Path) -> Path | None:
    """Return the `.npz` of a copy; None where the official files are, or should be."""
    if path.is_file():
        return path
    found = sorted(path.glob("*.npz"))
    if (path / ENTRIES).exists() or not found:
        return None
    if len(found) > 1:
        raise UsageError(f"{path} holds {len(found)} .npz files: name one of them, nih_cxr:{found[0]}")
    return found[0]


def _released(folder: Path, finding: str, with_lists: bool) -> pd.DataFrame:
    if not (folder / ENTRIES).exists() and (folder / FIRST_ENTRIES).exists():
        raise UsageError(
            f"{folder / FIRST_ENTRIES} is of the first release, whose ages and labels were corrected: place {ENTRIES} "
            "beside it"
        )
    file = official(folder, ENTRIES, RELEASE)
    table = _entries(file, COLUMNS, finding)
    refuse_bad_lists(folder, (file, table["file"]))
    if with_lists:
        table["split"] = _splits(folder, table["file"])
    places = _places(folder)
    return table.assign(file=[places.get(name, f"images/{name}") for name in table["file"]])


def _entries(file: Path, columns: Mapping[str, str], finding: str) -> pd.DataFrame:
    """Return one row a film, with `value` 1 or 0."""
    table = read_columns(file, tuple(columns), RELEASE).rename(columns=dict(columns))
    found = table.pop("findings").str.split("|")
    odd = set(found.explode()) - set(FINDINGS)
    if odd:
        raise UsageError(
            f"{file} holds the finding {min(odd)!r}, which {RELEASE} does not know: it is another "
            "release's, or was edited. Get the table again"
        )
    return table.assign(
        value=[float(finding in names) for names in found],
        age=as_numbers(table["age"], file),
        view=table["view"].where(table["view"].isin(FRONTAL), ""),
    )


def _splits(folder: Path, films: pd.Series[Any]) -> pd.Series[Any]:
    """Return the official split of each film."""
    splits: dict[str, str] = {}
    for name, split in LISTS.items():
        if not (folder / name).is_file():
            raise UsageError(
                f"the list {name} of {RELEASE} is missing: it should be at {folder / name}; or add ?split=patients, "
                "so that patients are dealt to splits anew"
            )
        listed = (folder / name).read_text(encoding="utf-8").split()
        if twice := sum(film in splits for film in listed):
            raise UsageError(f"{folder / name}: {twice} films are listed twice, or in both lists; download them again")
        splits |= dict.fromkeys(listed, split)
    unlisted = films[~films.isin(list(splits))]
    if len(unlisted):
        raise UsageError(
            f"{len(unlisted)} films are in neither {' nor '.join(LISTS)} of {folder}: "
            "these files are of different releases"
        )
    return films.map(splits)


def _places(folder: Path) -> dict[str, str]:
    """Return where each film lies below the folder: `images/` or, as the archives unpack, `images_*/images/`."""
    folders = [folder / "images", *sorted(folder.glob("images_*/images")), *sorted(folder.glob("images_*"))]
    return {
        name: f"{place.relative_to(folder).as_posix()}/{name}"
        for place in reversed(folders)
        if place.is_dir()
        for name in os.listdir(place)
    }


def _copied(archive: Path, finding: str) -> tuple[pd.DataFrame, Callable[[pd.DataFrame, int | None], Array]]:
    """Return the table of a copy, and what gives the pixels of its rows."""
    file = archive.parent / "labels.csv"
    if not file.is_file():
        raise UsageError(f"{archive} needs the table labels.csv beside it, at {file}")
    try:
        opened = np.load(archive, allow_pickle=False)
        if isinstance(opened, np.ndarray):
            raise UsageError(f"{archive} holds a single array: save `images` and `image` together with numpy.savez")
        with opened as arrays:
            images, names = arrays["images"], arrays["image"].astype(str)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"{archive} is no file of arrays `images` and `image` that can be read: {reason}") from error
    if images.dtype != np.uint8 or images.ndim != 3 or len(images) != len(names):
        raise UsageError(
            f"{archive}: images must be uint8 [n, H, W], one for each of the {len(names)} names, not {images.dtype} "
            f"{list(images.shape)}"
        )
    table = _entries(file, COPY_COLUMNS, finding)
    position = {name: row for row, name in enumerate(names.tolist())}
    if len(position) != len(names) or set(position) != set(table["file"]) or len(table) != len(names):
        raise UsageError(f"{archive} and {file} do not name the same {len(names)} films, once each")

    def pixels(rows: pd.DataFrame, size: int | None) -> Array:
        if size is not None and images.shape[1:] != (size, size):
            raise UsageError(
                f"{archive} holds films of {images.shape[1]}x{images.shape[2]} pixels: leave out size={size}"
            )
        chosen: Array = images[[position[name] for name in rows["file"]], None]
        return chosen

    return table, pixels
