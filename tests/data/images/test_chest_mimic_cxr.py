"""MIMIC-CXR-JPG with MIMIC-IV: labels of studies and people of admissions equal what pandas says of the same files."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest

from efficienttrust.errors import UsageError
from tests.data.images.chest_releases import levels, read, write_mimic


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EFFICIENTTRUST_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def root(tmp_path):
    return tmp_path / "physionet.org" / "files"


@pytest.fixture
def tables(root) -> dict[str, pd.DataFrame]:
    return write_mimic(root)


@pytest.fixture
def release(root, tables):
    return root / "mimic-cxr-jpg" / "2.0.0"


def frontal(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return tables["metadata"].loc[tables["metadata"]["ViewPosition"].isin(["AP", "PA"])]


@pytest.mark.parametrize("program", ["chexpert", "negbio"])
@pytest.mark.parametrize("policy", ["zeros", "ones", "ignore"])
def test_labels_of_studies_reach_their_films(tables, release, program, policy):
    raw = read("mimic_cxr", release, label="Pneumonia", labels=program, uncertain=policy)
    rows = frontal(tables).merge(tables[program], how="left", on=["subject_id", "study_id"]).set_index("level")
    labels = pd.to_numeric(rows["Pneumonia"]).fillna(0)  # blank, and a study without labels
    labels = labels[labels >= 0] if policy == "ignore" else labels.replace(-1, int(policy == "ones"))
    assert dict(zip(levels(raw.x), raw.y.tolist(), strict=True)) == labels.astype(int).to_dict()


def test_views_parts_and_patients(tables, release):
    rows = tables["metadata"].merge(tables["split"][["dicom_id", "split"]], on="dicom_id")
    whole = read("mimic_cxr", release, view="all")
    assert levels(whole.x) == rows["level"].tolist()
    assert whole.split.tolist() == rows["split"].tolist()
    assert whole.unit.tolist() == rows["subject_id"].astype(str).tolist()
    for part in ("train", "test"):
        inside = rows[(rows["split"] == part) & (rows["ViewPosition"] == "PA")]
        assert levels(read("mimic_cxr", release, part=part, view="pa").x) == inside["level"].tolist()
    assert read("mimic_cxr", release, part="test", split="patients").split is None


def test_sex_and_age_in_the_year_of_the_film(tables, release):
    raw = read("mimic_cxr", release, sensitive=["sex", "age", "view"])
    rows = frontal(tables).merge(tables["patients"], how="left", on="subject_id")
    assert raw.attributes["sex"].tolist() == [{"M": "Male", "F": "Female"}.get(sex) for sex in rows["gender"]]
    age = rows["anchor_age"] + rows["StudyDate"] // 10_000 - rows["anchor_year"]
    np.testing.assert_array_equal(raw.attributes["age"], age.mask(age > 120).to_numpy(float))
    assert raw.attributes["view"].tolist() == rows["ViewPosition"].tolist()
    assert any("'sex' is not known for" in note for note in raw.notes)  # one patient is not in MIMIC-IV


RACE = {
    "WHITE": "White",
    "BLACK/CAPE VERDEAN": "Black",
    "ASIAN - CHINESE": "Asian",
    "HISPANIC OR LATINO": "Hispanic",
    "UNKNOWN": None,
    "OTHER": "Other",
}


def test_race_is_the_most_frequent_known_one_and_of_equals_the_earlier(tables, release):
    raw = read("mimic_cxr", release, sensitive=["race"])
    usual = {}
    for subject, stays in tables["admissions"].groupby("subject_id"):
        told = [RACE[race] for race in stays.sort_values("admittime", kind="stable")["race"] if RACE[race]]
        usual[subject] = max(told, key=told.count) if told else None  # max returns the first of equals
    assert raw.attributes["race"].tolist() == [usual.get(subject) for subject in frontal(tables)["subject_id"]]
    assert len({race for race in raw.attributes["race"] if race}) > 2


def test_mimic_iv_is_found_beside_the_films_or_where_it_was_said_to_be(root, tables, release, tmp_path):
    beside = read("mimic_cxr", release, sensitive=["sex"]).attributes["sex"]
    shutil.move(root / "mimiciv" / "2.2", tmp_path / "hospital")
    named = read("mimic_cxr", release, sensitive=["sex"], mimic_iv=str(tmp_path / "hospital"))
    assert named.attributes["sex"].tolist() == beside.tolist()
    shutil.move(tmp_path / "hospital", release.parent / "mimic-iv-3.1")  # unpacked next to the films
    assert read("mimic_cxr", release, sensitive=["sex"]).attributes["sex"].tolist() == beside.tolist()


def test_without_mimic_iv_films_can_be_read_and_people_cannot(root, tables, release):
    shutil.rmtree(root / "mimiciv")
    (root / "mimic-iv-clinical-database-demo-2.2" / "hosp").mkdir(parents=True)
    (root / "mimic-iv-clinical-database-demo-2.2" / "hosp" / "patients.csv.gz").touch()
    assert len(read("mimic_cxr", release).y)
    with pytest.raises(UsageError) as refused:
        read("mimic_cxr", release, sensitive=["sex"])
    said = str(refused.value)
    assert "place patients.csv.gz (sex, age) and admissions.csv.gz (race) in" in said
    assert str(root / "mimic-cxr-jpg" / "mimiciv" / "hosp") in said
    assert "?mimic_iv=PATH" in said
    assert "\n" not in said


def test_mimic_iv_before_2_is_told_from_the_later_ones(root, tables, release):
    (root / "mimiciv" / "2.2" / "hosp").rename(root / "mimiciv" / "2.2" / "core")
    with pytest.raises(UsageError, match=r"is MIMIC-IV before 2\.0 \(patients under core/\)"):
        read("mimic_cxr", release, sensitive=["race"])
    (root / "mimiciv" / "1.0").mkdir()
    (root / "mimiciv" / "2.2" / "core").rename(root / "mimiciv" / "1.0" / "hosp")  # any release with hosp/ will do
    assert "race" in read("mimic_cxr", release, sensitive=["race"]).attributes


def test_files_that_were_unpacked_read_alike(tables, release):
    packed = read("mimic_cxr", release, label="Edema")
    for file in release.glob("*.csv.gz"):
        pd.read_csv(file, dtype=str, keep_default_na=False).to_csv(file.with_suffix(""), index=False)
        file.unlink()
    assert read("mimic_cxr", release, label="Edema").y.tolist() == packed.y.tolist()
