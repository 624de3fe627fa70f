"""MIMIC-CXR-JPG 2: chest films of Beth Israel Deaconess Medical Center, with people from MIMIC-IV."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from efficienttrust.data.images._chest import FRONTAL, Films, People, finding_of, label_values, raw_images, view_of
from efficienttrust.data.images._chest_options import chest_options
from efficienttrust.data.images._chest_people import plausible_ages, sex_of, usual_race
from efficienttrust.data.images._chest_tables import as_numbers, joined, official, read_columns
from efficienttrust.data.images._listed import refuse_bad_lists
from efficienttrust.data.images._reading import RawImages, Wanted, image_formats
from efficienttrust.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

RELEASE = "MIMIC-CXR-JPG 2.0.0"
MIMIC_IV = "MIMIC-IV 2.0 or later"
FINDINGS = (
    "Atelectasis",
    "Cardiomegaly",
    "Consolidation",
    "Edema",
    "Enlarged Cardiomediastinum",
    "Fracture",
    "Lung Lesion",
    "Lung Opacity",
    "No Finding",
    "Pleural Effusion",
    "Pleural Other",
    "Pneumonia",
    "Pneumothorax",
    "Support Devices",
)
SPLITS = ("train", "validate", "test")
LATERAL = ("LATERAL", "LL", "RL")


@image_formats.register("mimic_cxr", "mimic-cxr")
def read_mimic_cxr(path: Path, wanted: Wanted) -> RawImages:
    """Read the folder with `files/` and `mimic-cxr-2.0.0-*.csv.gz`.

    Options of the source: `size`, `view`, `split`, `uncertain`, `labels`, `mimic_iv`. Attributes: `view`, and from a
    copy of MIMIC-IV beside the folder (or at `mimic_iv`) `sex`, `age` (in the year of the film) and `race` (the most
    frequent known one of the patient's admissions; of equals, the earlier).

    References:
        Johnson et al. 2019, "MIMIC-CXR-JPG, a large publicly available database of labeled chest radiographs".
    """
    options = chest_options(wanted, "uncertain", "labels", "mimic_iv")
    finding = finding_of(wanted.label, FINDINGS)
    hospital = functools.partial(_hospital, path, options.mimic_iv)
    people: People = {
        "sex": lambda table, _notes: _sex(table, hospital()),
        "age": lambda table, notes: _age(table, hospital(), notes),
        "race": lambda table, _notes: _race(table, hospital()),
        "view": view_of,
    }
    films = _table(path, finding, options.labels)
    return raw_images(Films("mimic_cxr", path, finding, films, people), wanted, options)


def _table(folder: Path, finding: str, program: str) -> pd.DataFrame:
    import pandas as pd

    if not any(folder.glob("mimic-cxr-2.0.0-*")) and (folder / "cxr-record-list.csv.gz").exists():
        raise UsageError(f"{folder} holds MIMIC-CXR (DICOM files); this reads {RELEASE}, the same films as JPEG")
    file = official(folder, "mimic-cxr-2.0.0-metadata.csv", RELEASE)
    rows = read_columns(file, ("dicom_id", "subject_id", "study_id", "ViewPosition", "StudyDate"), RELEASE)
    view = rows["ViewPosition"].mask(rows["ViewPosition"].isin(LATERAL), "lateral")
    films = "files/p" + rows["subject_id"].str[:2] + "/p" + rows["subject_id"] + "/s" + rows["study_id"] + "/"
    films += rows["dicom_id"] + ".jpg"
    refuse_bad_lists(folder, (file, films))
    return pd.DataFrame(
        {
            "file": films,
            "patient": rows["subject_id"],
            "split": _splits(folder, rows["dicom_id"]),
            "view": view.where(view.isin([*FRONTAL, "lateral"]), ""),
            "value": _values(folder, finding, program, rows["study_id"]),
            "year": as_numbers(rows["StudyDate"], file) // 10_000,
        }
    )


def _splits(folder: Path, films: pd.Series[Any]) -> pd.Series[Any]:
    file = official(folder, "mimic-cxr-2.0.0-split.csv", RELEASE)
    table = read_columns(file, ("dicom_id", "split"), RELEASE)
    splits = joined(films, table, "dicom_id", "split", file)
    odd = ~splits.isin(SPLITS)
    if odd.any():
        raise UsageError(f"{file} gives no known split to {int(odd.sum())} films; known are {', '.join(SPLITS)}")
    return splits


def _values(folder: Path, finding: str, program: str, studies: pd.Series[Any]) -> pd.Series[Any]:
    """Return the label of each film's study; a study without a row mentions nothing."""
    file = official(folder, f"mimic-cxr-2.0.0-{program}.csv", RELEASE)
    table = read_columns(file, ("study_id", finding), RELEASE)
    return joined(studies, table.assign(**{finding: label_values(table[finding], file)}), "study_id", finding, file)


def _sex(table: pd.DataFrame, hospital: Path) -> pd.Series[Any]:
    file = official(hospital, "patients.csv", MIMIC_IV)
    rows = read_columns(file, ("subject_id", "gender"), MIMIC_IV)
    return sex_of(joined(table["patient"], rows, "subject_id", "gender", file))


def _age(table: pd.DataFrame, hospital: Path, notes: list[str]) -> pd.Series[Any]:
    """Return the age in the year of the film; MIMIC-IV shifts dates by patient, and its anchor year with them."""
    file = official(hospital, "patients.csv", MIMIC_IV)
    rows = read_columns(file, ("subject_id", "anchor_age", "anchor_year"), MIMIC_IV)
    born = (as_numbers(rows["anchor_year"], file) - as_numbers(rows["anchor_age"], file)).rename("born")
    rows = rows.assign(born=born)
    notes.append("age is that of MIMIC-IV in the year of the film; MIMIC-IV writes 91 for everybody over 89")
    return plausible_ages(table["year"] - joined(table["patient"], rows, "subject_id", "born", file), notes)


def _race(table: pd.DataFrame, hospital: Path) -> pd.Series[Any]:
    rows = read_columns(
        official(hospital, "admissions.csv", MIMIC_IV), ("subject_id", "admittime", "race"), MIMIC_IV
    ).sort_values("admittime", kind="stable")
    return table["patient"].map(usual_race(rows["subject_id"], rows["race"]))


def _hospital(folder: Path, given: Path | None) -> Path:
    """Return the folder `hosp` of MIMIC-IV: where it was said to be, or beside the films, newest release first."""
    roots = [given] if given else _beside(folder)
    for root in roots:
        if any((root / "hosp").glob("patients.csv*")):
            return root / "hosp"
    for root in roots:
        if any((root / "core").glob("patients.csv*")):
            raise UsageError(
                f"{root} is MIMIC-IV before 2.0 (patients under core/): {MIMIC_IV} is needed, with hosp/patients.csv.gz"
            )
    expected = (given or folder.parent / "mimiciv") / "hosp"
    raise UsageError(
        "sex, age and race of MIMIC-CXR are in MIMIC-IV: place patients.csv.gz (sex, age) and admissions.csv.gz (race) "
        f"in {expected}, or name a copy with ?mimic_iv=PATH"
    )


def _beside(folder: Path) -> list[Path]:
    """Return folders called like MIMIC-IV next to the films or, as PhysioNet lays out releases, next to their set."""
    near = [found for place in folder.resolve().parents[:2] for found in sorted(place.glob("[mM]*"), reverse=True)]
    named = [found for found in near if _is_mimic_iv(found.name)]
    return [*named, *(release for found in named for release in sorted(found.glob("*"), reverse=True))]


def _is_mimic_iv(name: str) -> bool:
    bare = name.lower().replace("-", "").replace("_", "")
    return bare.startswith("mimiciv") and "demo" not in bare
