"""diabetes130: stays become a problem by patient, from every official file; who cannot come back is left out."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from efficienttrust.data import Problem, dataset_card, load_problem
from efficienttrust.data._bundled import data_sets
from efficienttrust.errors import UsageError
from tests.shared_data import SHARED

REAL = SHARED / "diabetes130" / "diabetic_data.csv.gz"
HEADER = (
    "encounter_id,patient_nbr,race,gender,age,weight,admission_type_id,discharge_disposition_id,admission_source_id,"
    "time_in_hospital,payer_code,medical_specialty,num_lab_procedures,num_procedures,num_medications,"
    "number_outpatient,number_emergency,number_inpatient,diag_1,diag_2,diag_3,number_diagnoses,max_glu_serum,A1Cresult,"
    "metformin,repaglinide,nateglinide,chlorpropamide,glimepiride,acetohexamide,glipizide,glyburide,tolbutamide,"
    "pioglitazone,rosiglitazone,acarbose,miglitol,troglitazone,tolazamide,examide,citoglipton,insulin,"
    "glyburide-metformin,glipizide-metformin,glimepiride-pioglitazone,metformin-rosiglitazone,metformin-pioglitazone,"
    "change,diabetesMed,readmitted"
)
COLUMNS = HEADER.split(",")


def stays(n: int = 600, seed: int = 0) -> pd.DataFrame:
    """A table of the official layout: 50 columns, '?' for missing, several stays of a patient."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({column: rng.choice(["No", "Steady"], n) for column in COLUMNS})
    table["encounter_id"] = np.arange(n) * 6 + 12522
    table["patient_nbr"] = rng.integers(0, n // 2, n) * 9 + 135
    table["race"] = rng.choice(["Caucasian", "AfricanAmerican", "?"], n, p=[0.7, 0.25, 0.05])
    table["gender"] = rng.choice(["Female", "Male"], n)
    table.loc[3, "gender"] = "Unknown/Invalid"
    table["age"] = rng.choice([f"[{low}-{low + 10})" for low in range(0, 100, 10)], n)
    table["weight"] = "?"
    table["discharge_disposition_id"] = rng.choice(
        [1, 3, 6, 11, 13, 14, 19, 20, 21], n, p=[0.5, 0.2, 0.18, *[0.02] * 6]
    )
    for column in ("admission_type_id", "admission_source_id"):
        table[column] = rng.integers(1, 8, n)
    for column in [c for c in COLUMNS if c.startswith(("num", "time"))]:
        table[column] = rng.integers(0, 40, n)
    for column in ("diag_1", "diag_2", "diag_3"):
        table[column] = rng.choice(["250.83", "428", "V57", "?"], n)
    table["max_glu_serum"] = rng.choice(["None", ">200", "Norm"], n)
    table["examide"] = "No"
    table["readmitted"] = rng.choice(["NO", ">30", "<30"], n, p=[0.5, 0.3, 0.2])
    return table


def write(folder: Path, name: str, table: pd.DataFrame) -> Path:
    folder.mkdir(exist_ok=True)
    text, path = table.to_csv(index=False, lineterminator="\r\n").encode(), folder / name
    if name.endswith(".zip"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("dataset_diabetes/IDs_mapping.csv", "admission_type_id,description\n1,Emergency\n")
            archive.writestr("dataset_diabetes/diabetic_data.csv", text)
    else:
        path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    return path


def everywhere(problem: Problem, what: str) -> np.ndarray:
    return np.concatenate([getattr(split, what) for split in problem.splits.values()])


@pytest.mark.parametrize(
    "name",
    [
        "diabetic_data.csv",
        "diabetic_data.csv.gz",
        "dataset_diabetes.zip",
        "diabetes+130-us+hospitals+for+years+1999-2008.zip",
    ],
)
def test_every_official_file_and_its_folder_give_the_same(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "official", name, stays())
    plain = load_problem(f"diabetes130:{write(tmp_path / 'plain', 'diabetic_data.csv', stays())}")
    for source in (path, path.parent):
        problem = load_problem(f"diabetes130:{source}")
        assert problem.fingerprint == plain.fingerprint
        assert problem.source == f"diabetes130:{source.resolve()}"
        assert problem.name == "diabetes130"
        assert problem.card is dataset_card("diabetes130")


def test_roles_of_the_columns(tmp_path: Path) -> None:
    table = stays()
    problem = load_problem(f"diabetes130:{write(tmp_path, 'diabetic_data.csv', table)}")
    alive = table[~table["discharge_disposition_id"].isin([11, 13, 14, 19, 20, 21])].reset_index(drop=True)
    assert len(problem.inputs) == len(alive)
    assert int(everywhere(problem, "y").sum()) == int((alive["readmitted"] == "<30").sum())
    inputs = {column.name for column in problem.columns}
    assert not inputs & {"encounter_id", "patient_nbr", "readmitted", "readmitted_ever", "race", "age_band"}
    assert {"gender", "age", "diag_1", "insulin"} <= inputs
    kinds = {column.name: column.kind for column in problem.columns}
    assert {kinds[name] for name in ("admission_type_id", "discharge_disposition_id", "diag_1")} == {"categorical"}
    missing = {column.name: column.missing for column in problem.columns}
    assert missing["max_glu_serum"] == 0, "'None' is a value: not measured"
    assert missing["diag_1"] == int((alive["diag_1"] == "?").sum())
    assert problem.attribute_names["race"] == ("AfricanAmerican", "Caucasian")


def test_no_patient_is_in_two_splits(tmp_path: Path) -> None:
    path = write(tmp_path, "diabetic_data.csv", stays())
    problem = load_problem(f"diabetes130:{path}")
    patients = data_sets.get("diabetes130").read(path).reset_index(drop=True)["patient_nbr"]
    assert patients.duplicated().any()
    seen = [set(patients.loc[split.rows]) for split in problem.splits.values()]
    assert sum(len(one) for one in seen) == len(set().union(*seen))


def test_readmission_at_any_time_is_another_label_and_the_first_is_then_no_input(tmp_path: Path) -> None:
    table = stays()
    source = f"diabetes130:{write(tmp_path, 'diabetic_data.csv', table)}"
    problem = load_problem(source, label="readmitted_ever", sensitive="gender,age_band")
    alive = table[~table["discharge_disposition_id"].isin([11, 13, 14, 19, 20, 21])]
    assert problem.positive == "yes"
    assert int(everywhere(problem, "y").sum()) == int((alive["readmitted"] != "NO").sum())
    assert not {"readmitted", "age"} & {column.name for column in problem.columns}
    assert problem.attribute_names["age_band"] == ("under 30", "30-59", "60+")
    ages = alive["age"].str.slice(1).str.partition("-")[0].astype(int)
    counts = np.bincount(np.concatenate([split.codes["age_band"] for split in problem.splits.values()]), minlength=3)
    assert counts.tolist() == [(ages < 30).sum(), ((ages >= 30) & (ages < 60)).sum(), (ages >= 60).sum()]
    assert load_problem(problem.source, **problem.settings).fingerprint == problem.fingerprint


def test_a_role_given_to_a_label_on_offer_is_kept(tmp_path: Path) -> None:
    source = f"diabetes130:{write(tmp_path, 'diabetic_data.csv', stays())}"
    problem = load_problem(source, sensitive="readmitted_ever")
    assert problem.attribute_names["readmitted_ever"] == ("no", "yes")


def test_bad_files_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no file or folder .*nowhere\. Give your copy of diabetes130 as"):
        load_problem(f"diabetes130:{tmp_path / 'nowhere'}")
    with pytest.raises(UsageError, match=r"holds none of diabetic_data\.csv, "):
        load_problem(f"diabetes130:{tmp_path}")
    other = write(tmp_path, "other.csv", stays().drop(columns=["readmitted", "gender"]))
    with pytest.raises(UsageError, match=r"is not the diabetic_data\.csv of UCI: it has no column gender, readmitted"):
        load_problem(f"diabetes130:{other}")
    odd = write(
        tmp_path, "odd.csv", stays().assign(readmitted=lambda table: table["readmitted"].replace("NO", "never"))
    )
    with pytest.raises(UsageError, match=r"odd\.csv has the unknown code 'never' in column readmitted"):
        load_problem(f"diabetes130:{odd}")
    whole = write(tmp_path, "diabetic_data.csv.gz", stays())
    whole.write_bytes(whole.read_bytes()[:-2000])
    with pytest.raises(UsageError, match=r"cannot read .*diabetic_data\.csv\.gz: .* Is it damaged"):
        load_problem(f"diabetes130:{whole}")
    archive = write(tmp_path, "dataset_diabetes.zip", stays())
    archive.write_bytes(archive.read_bytes()[:-2000])
    with pytest.raises(UsageError, match=r"cannot read .*dataset_diabetes\.zip: .* Is it damaged"):
        load_problem(f"diabetes130:{archive}")
    with zipfile.ZipFile(archive, "w") as empty:
        empty.writestr("readme.txt", "")
    with pytest.raises(UsageError, match=r"dataset_diabetes\.zip holds no diabetic_data\.csv"):
        load_problem(f"diabetes130:{archive}")


@pytest.mark.skipif(not REAL.exists(), reason="needs shared/data")
def test_the_real_file_has_the_counts_of_the_card() -> None:
    table, card = data_sets.get("diabetes130").read(REAL), dataset_card("diabetes130")
    assert (len(table), table["patient_nbr"].nunique()) == (99_343, 69_990)
    for line in card.groups:
        attribute, _, groups = line.partition(": ")
        for name, n in table[attribute].value_counts().items():
            assert f"{name} {n:,}" in groups
    early = table["readmitted"] == "<30"
    by_race = early.groupby(table["race"]).mean()
    assert (by_race.idxmin(), by_race.idxmax()) == ("Other", "Caucasian")
    by_sex = early.groupby(table["gender"]).mean()
    rates = [early.mean(), by_race.min(), by_race.max(), by_sex["Female"], by_sex["Male"]]
    assert card.base_rates[0] == (
        "readmitted within 30 days: {}; by race from {} (Other) to {} (Caucasian); Female {}, Male {}".format(
            *(f"{rate:.3f}".lstrip("0") for rate in rates)
        )
    )
    assert f"{(table['readmitted_ever'] == 'yes').mean():.3f}".lstrip("0") in card.base_rates[1]
