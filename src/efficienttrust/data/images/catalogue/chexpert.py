"""CheXpert v1.0, small or full: chest films of Stanford Hospital, as the folder is distributed."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from efficienttrust.data.images._chest import (
    FRONTAL,
    Films,
    People,
    finding_of,
    label_values,
    raw_images,
    view_of,
)
from efficienttrust.data.images._chest_options import chest_options
from efficienttrust.data.images._chest_people import plausible_ages, sex_of, usual_race
from efficienttrust.data.images._chest_tables import as_numbers, official, read_columns, stripped
from efficienttrust.data.images._listed import refuse_bad_lists
from efficienttrust.data.images._reading import RawImages, Wanted, image_formats
from efficienttrust.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

RELEASE = "CheXpert v1.0"
FINDINGS = (
    "No Finding",
    "Enlarged Cardiomediastinum",
    "Cardiomegaly",
    "Lung Opacity",
    "Lung Lesion",
    "Edema",
    "Consolidation",
    "Pneumonia",
    "Atelectasis",
    "Pneumothorax",
    "Pleural Effusion",
    "Pleural Other",
    "Fracture",
    "Support Devices",
)
SPLITS = {"train.csv": "train", "valid.csv": "test"}
"""The release holds no other films to test on than those of valid.csv, which radiologists have labelled."""
DEMOGRAPHICS = ("CHEXPERT DEMO.xlsx", "CHEXPERT DEMO.csv")
CAVEATS = (
    "labels of train.csv were mined from reports by a program, and are wrong in some; those of valid.csv are by people",
    "valid.csv is the test part: few films, too few for groups; ?split=patients deals the patients of both files anew",
)
PATIENT = r"(patient\d+)"


@image_formats.register("chexpert")
def read_chexpert(path: Path, wanted: Wanted) -> RawImages:
    """Read the folder with `train.csv` and `valid.csv`, or the folder around it.

    Options of the source: `size`, `view`, `split`, `uncertain`, `demographics`. Attributes: `sex`, `age`, `view`, and
    `race` from the demographics table, which is downloaded apart.

    References:
        Irvin et al. 2019, "CheXpert: a large chest radiograph dataset with uncertainty labels and expert comparison".
    """
    options = chest_options(wanted, "uncertain", "demographics")
    finding = finding_of(wanted.label, FINDINGS)
    folder = _folder(path)
    people: People = {
        "sex": lambda table, _notes: sex_of(table["sex"]),
        "age": lambda table, notes: plausible_ages(table["age"], notes),
        "race": functools.partial(_race, folder=folder, given=options.demographics),
        "view": view_of,
    }
    films = Films("chexpert", folder, finding, _table(folder, finding), people, CAVEATS)
    return raw_images(films, wanted, options)


def _folder(path: Path) -> Path:
    """Return the folder of the release; raises `UsageError` for another release."""
    for folder in (path, *sorted(path.glob("CheXpert-v1.0*"))):
        if (folder / "train.csv").is_file() or (folder / "valid.csv").is_file():
            return folder
    if any(path.glob("df_chexpert_plus*.csv")):
        raise UsageError(f"{path} holds CheXpert Plus; this reads {RELEASE}: give the folder CheXpert-v1.0-small")
    return path


def _table(folder: Path, finding: str) -> pd.DataFrame:
    import pandas as pd

    parts = {name: _part(folder, name, split, finding) for name, split in SPLITS.items()}
    refuse_bad_lists(folder, *((official(folder, name, RELEASE), part["file"]) for name, part in parts.items()))
    return pd.concat(parts.values(), ignore_index=True)


def _part(folder: Path, name: str, split: str, finding: str) -> pd.DataFrame:
    import pandas as pd

    file = official(folder, name, RELEASE)
    rows = read_columns(file, ("Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", finding), RELEASE)
    patient = rows["Path"].str.extract(PATIENT, expand=False)
    if patient.isna().any():
        raise UsageError(f"{file} holds {int(patient.isna().sum())} paths that name no patient")
    frontal = rows["Frontal/Lateral"] == "Frontal"
    return pd.DataFrame(
        {
            # the first part of each path names the release's folder, which may have another name here
            "file": rows["Path"].str.partition("/")[2],
            "patient": patient,
            "split": split,
            "view": rows["AP/PA"].where(rows["AP/PA"].isin(FRONTAL), "").where(frontal, "lateral"),
            "value": label_values(rows[finding], file),
            "sex": rows["Sex"],
            "age": as_numbers(rows["Age"], file),
        }
    )


def _race(table: pd.DataFrame, _notes: list[str], *, folder: Path, given: Path | None) -> pd.Series[Any]:
    people = _demographics(folder, given)
    return table["patient"].map(usual_race(people["PATIENT"].str.lower(), people["PRIMARY_RACE"]))


def _demographics(folder: Path, given: Path | None) -> pd.DataFrame:
    places = [given] if given else [place / name for place in (folder, folder.parent) for name in DEMOGRAPHICS]
    file = next((place for place in places if place.is_file()), None)
    if file is None:
        raise UsageError(
            f"race needs the table of demographics, which Stanford AIMI offers apart: place {DEMOGRAPHICS[0]} at "
            f"{places[0]}, or name it with ?demographics=PATH"
        )
    columns = ("PATIENT", "PRIMARY_RACE")
    return _sheet(file, columns) if file.suffix.lower() == ".xlsx" else read_columns(file, columns, RELEASE)


def _sheet(file: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """Return columns of an Excel sheet as texts."""
    import zipfile

    import pandas as pd

    try:
        rows = pd.read_excel(file, dtype=str, keep_default_na=False, engine="openpyxl")
    except ImportError as error:
        raise UsageError(
            f"{file} needs openpyxl: pip install 'efficienttrust[medical]', or save the sheet as {DEMOGRAPHICS[1]}"
        ) from error
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UsageError(f"{file} is damaged or no Excel file: {' '.join(str(error).split())[:160]}") from error
    lacking = [name for name in columns if name not in rows]
    if lacking:
        raise UsageError(f"{file} has no column {lacking[0]!r}: it is not the table of demographics of {RELEASE}")
    return stripped(rows[list(columns)])
