"""Small copies of the official layouts of CheXpert, MIMIC-CXR-JPG and NIH ChestX-ray14, of random films."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from efficienttrust.data.images import RawImages, image_formats
from efficienttrust.data.images._reading import Wanted

CHEXPERT_FINDINGS = [
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
]
NIH_FINDINGS = ["Atelectasis", "Effusion", "Pneumonia", "Pleural_Thickening", "Hernia"]
RACES = ["White", "Black or African American", "Asian", "Unknown", "White, non-Hispanic", "Patient Refused"]
HOSPITAL_RACES = ["WHITE", "BLACK/CAPE VERDEAN", "ASIAN - CHINESE", "HISPANIC OR LATINO", "UNKNOWN", "OTHER"]


def read(word: str, path: Path, part="all", label=None, sensitive=(), **options) -> RawImages:
    """Read a release as `word:path?options` is read."""
    return image_formats.get(word)(path, Wanted(part, label, tuple(sensitive), options))


def film(path: Path, level: int) -> None:
    """Write a film of one grey level, wider than it is high."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((20, 24), level, np.uint8)).save(path)


def levels(x: np.ndarray) -> list[int]:
    """Return the grey level of each film, to tell which it is."""
    assert x.ndim == 4
    assert x.shape[1] == 1
    assert np.all(x == x[:, :, :1, :1])
    return x[:, 0, 0, 0].tolist()


def labels(rng: np.random.Generator, n: int, findings: list[str], codes=("1.0", "0.0", "-1.0", "")) -> pd.DataFrame:
    return pd.DataFrame({name: rng.choice(codes, n) for name in findings})


def write_chexpert(root: Path, name: str = "CheXpert-v1.0-small", films: int = 60, seed: int = 0) -> pd.DataFrame:
    """Write a release and its table of demographics; return all rows, with `level` of the film and `csv`."""
    rng = np.random.default_rng(seed)
    folder = root / name
    parts = []
    for csv, first, n in (("train", 0, films), ("valid", films, films // 4)):
        patient = [f"patient{first + number // 3:05d}" for number in range(n)]
        frontal = rng.random(n) < 0.7
        paths = [
            f"{name}/{csv}/{who}/study1/view{number % 3 + 1}_{'frontal' if front else 'lateral'}.jpg"
            for number, (who, front) in enumerate(zip(patient, frontal, strict=True))
        ]
        rows = pd.DataFrame(
            {
                "Path": paths,
                "Sex": rng.choice(["Male", "Female", "Unknown"], n, p=[0.48, 0.48, 0.04]),
                "Age": rng.integers(18, 91, n),
                "Frontal/Lateral": np.where(frontal, "Frontal", "Lateral"),
                "AP/PA": np.where(frontal, rng.choice(["AP", "PA"], n), ""),
            }
        ).join(labels(rng, n, CHEXPERT_FINDINGS, ("1.0", "0.0", "-1.0", "") if csv == "train" else ("1.0", "0.0")))
        folder.mkdir(parents=True, exist_ok=True)
        rows.to_csv(folder / f"{csv}.csv", index=False)
        parts.append(rows.assign(csv=csv, level=2 * (first + np.arange(n))))
    table = pd.concat(parts, ignore_index=True)
    for path, level in zip(table["Path"], table["level"], strict=True):
        film(root / path, int(level))
    people = pd.DataFrame({"PATIENT": table["Path"].str.extract(r"(patient\d+)")[0].unique()})
    people.insert(1, "GENDER", "Female")
    people["PRIMARY_RACE"] = rng.choice(RACES, len(people))
    people.to_csv(root / "CHEXPERT DEMO.csv", index=False)
    return table.merge(
        people.assign(patient=people["PATIENT"]), how="left", left_on=_patients(table), right_on="PATIENT"
    )


def _patients(table: pd.DataFrame) -> pd.Series:
    return table["Path"].str.extract(r"(patient\d+)")[0]


def write_mimic(root: Path, films: int = 60, seed: int = 0) -> dict[str, pd.DataFrame]:
    """Write MIMIC-CXR-JPG and MIMIC-IV as PhysioNet lays them out; return their tables."""
    rng = np.random.default_rng(seed)
    folder, hospital = root / "mimic-cxr-jpg" / "2.0.0", root / "mimiciv" / "2.2" / "hosp"
    folder.mkdir(parents=True)
    hospital.mkdir(parents=True)
    number = np.arange(films)
    subject, study = 10_000_000 + number // 4 * 101_003, 50_000_000 + number // 2
    subjects = np.unique(subject)
    split_of = dict(zip(subjects, np.resize(["train", "validate", "test", "train"], len(subjects)), strict=True))
    metadata = pd.DataFrame(
        {
            "dicom_id": [f"{value:08x}-0000" for value in rng.permutation(films)],
            "subject_id": subject,
            "study_id": study,
            "PerformedProcedureStepDescription": "CHEST (PA AND LAT)",
            "ViewPosition": rng.choice(["AP", "PA", "LATERAL", "LL", ""], films, p=[0.35, 0.35, 0.1, 0.1, 0.1]),
            "Rows": 20,
            "Columns": 24,
            "StudyDate": rng.integers(2110, 2190, films) * 10_000 + 506,
            "StudyTime": 213014.531,
        }
    )
    splits = metadata[["dicom_id", "study_id", "subject_id"]].assign(split=[split_of[value] for value in subject])
    findings = sorted(CHEXPERT_FINDINGS)
    studies = metadata[["subject_id", "study_id"]].drop_duplicates().reset_index(drop=True)
    tables = {
        program: studies.join(labels(rng, len(studies), findings)).drop(index=[1]) for program in ("chexpert", "negbio")
    }
    patients = pd.DataFrame(
        {
            "subject_id": subjects,
            "gender": rng.choice(["M", "F"], len(subjects)),
            "anchor_age": rng.integers(18, 92, len(subjects)),
            "anchor_year": 2100,
            "anchor_year_group": "2014 - 2016",
            "dod": "",
        }
    ).drop(index=[2])
    admissions = pd.DataFrame({"subject_id": rng.choice(subjects[1:], 3 * len(subjects))})
    admissions["hadm_id"] = 20_000_000 + rng.permutation(len(admissions))
    admissions["admittime"] = [f"21{year:02d}-03-01 10:00:00" for year in rng.integers(10, 90, len(admissions))]
    admissions["race"] = rng.choice(HOSPITAL_RACES, len(admissions))
    for name, table in {"metadata": metadata, "split": splits, **tables}.items():
        table.to_csv(folder / f"mimic-cxr-2.0.0-{name}.csv.gz", index=False)
    patients.to_csv(hospital / "patients.csv.gz", index=False)
    admissions.to_csv(hospital / "admissions.csv.gz", index=False)
    metadata["level"] = 4 * number
    for row in metadata.itertuples():
        place = folder / "files" / f"p{row.subject_id // 1_000_000}" / f"p{row.subject_id}" / f"s{row.study_id}"
        film(place / f"{row.dicom_id}.jpg", row.level)
    return {"metadata": metadata, "split": splits, "patients": patients, "admissions": admissions, **tables}


def write_nih(folder: Path, films: int = 60, seed: int = 0, archives: bool = True) -> pd.DataFrame:
    """Write ChestX-ray14, unpacked into `images_*/images` or into `images`; return its rows, with `level`, `split`."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    patient = np.arange(films) // 3 + 1
    found = [[name for name in NIH_FINDINGS if rng.random() < 0.25] for _ in range(films)]
    table = pd.DataFrame(
        {
            "Image Index": [f"{who:08d}_{number:03d}.png" for number, who in enumerate(patient)],
            "Finding Labels": ["|".join(names) or "No Finding" for names in found],
            "Follow-up #": np.arange(films) % 3,
            "Patient ID": patient,
            "Patient Age": rng.integers(4, 90, films),
            "Patient Gender": rng.choice(["M", "F"], films),
            "View Position": rng.choice(["AP", "PA"], films),
        }
    )
    table.loc[5, "Patient Age"] = 411
    header = [*table.columns, "OriginalImage[Width", "Height]", "OriginalImagePixelSpacing[x", "y]"]
    lines = [",".join(map(str, [*row, 2682, 2749, 0.143, 0.143])) for row in table.itertuples(index=False)]
    (folder / "Data_Entry_2017_v2020.csv").write_text("\n".join([",".join(header), *lines]) + "\n")
    table["split"] = np.where(patient % 4 == 0, "test", "train")
    for split, name in (("train", "train_val_list.txt"), ("test", "test_list.txt")):
        (folder / name).write_text("\n".join(table.loc[table["split"] == split, "Image Index"]) + "\n")
    table["level"] = 3 * np.arange(films)
    for number, (name, level) in enumerate(zip(table["Image Index"], table["level"], strict=True)):
        film(folder / (f"images_{number % 2 + 1:03d}/images" if archives else "images") / name, int(level))
    return table
