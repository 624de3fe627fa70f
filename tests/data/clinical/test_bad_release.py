"""What is wrong with a release is one line that names the file and what to do, and shows nothing of a patient."""

from __future__ import annotations

import gzip
import shutil

import pytest

from efficienttrust.data.clinical import read_mimic_iv
from efficienttrust.errors import UsageError
from tests.shared_data import SHARED

MIMIC_III = SHARED / "mimic3-demo"


def refusal(folder, **options) -> str:
    with pytest.raises(UsageError) as refused:
        read_mimic_iv(folder, **options)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    "name", ["hosp/patients", "hosp/admissions", "hosp/labevents", "icu/icustays", "icu/chartevents"]
)
def test_a_missing_file_is_named_with_its_place(make, name):
    release = make()
    del release.tables[name]
    folder = release.write()
    assert refusal(folder) == f"the MIMIC-IV release lacks {folder / name}.csv.gz. Put the official file there."


def test_files_may_be_unpacked(make):
    release = make()
    release.chart(201, 1, 220045, 80)
    folder = release.write()
    for path in [*folder.rglob("*.gz")]:
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    assert read_mimic_iv(folder)["heart_rate@01"].iloc[0] == 80


def test_a_star_in_the_name_of_a_folder_is_no_pattern(make, tmp_path):
    release = make()
    release.chart(201, 1, 220045, 80)
    folder = release.write()
    for name in ("copy [1]", "copy *"):
        shutil.copytree(folder, tmp_path / "copies" / name, ignore=shutil.ignore_patterns("copies"))
        assert read_mimic_iv(tmp_path / "copies" / name)["heart_rate@01"].iloc[0] == 80


def test_other_folders_and_releases_are_recognised(make, tmp_path):
    folder = make().write()
    assert "there is no folder" in refusal(folder / "nowhere")
    above = tmp_path / "above"
    shutil.copytree(folder, above / "2.2", ignore=shutil.ignore_patterns("above"))
    assert refusal(above).endswith(f"Give {above / '2.2'}.")
    (folder / "core").mkdir()
    assert "has a folder core/, as MIMIC-IV before 2.0 does. Get release 2.0 or later" in refusal(folder)


def test_race_called_ethnicity_is_an_older_release(make):
    release = make()
    release.tables["hosp/admissions"] = release["hosp/admissions"].rename(columns={"race": "ethnicity"})
    assert "calls race 'ethnicity', as MIMIC-IV before 2.0 does" in refusal(release.write())


@pytest.mark.skipif(not MIMIC_III.exists(), reason="the MIMIC-III demo is not at hand")
def test_the_true_demo_of_mimic_iii_is_recognised():
    assert "is laid out as MIMIC-III (patients and icustays side by side)" in refusal(MIMIC_III)


@pytest.mark.parametrize("name", ["hosp/admissions", "icu/icustays", "icu/chartevents"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "text", "empty", "nothing"])
def test_a_damaged_file_is_named(make, name, damage):
    release = make(40)
    for hour in range(40):
        release.chart(201, hour, 220045, 60 + hour)
    folder = release.write()
    path = folder / f"{name}.csv.gz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    broken = {
        "cut": path.read_bytes()[:-20],
        "flipped": bytes(content),
        "text": b"subject_id,hadm_id\n1,2\n",
        "empty": b"",
        "nothing": gzip.compress(b""),
    }
    path.write_bytes(broken[damage])
    assert refusal(folder).startswith(str(path))


@pytest.mark.parametrize(
    ("name", "column"), [("hosp/patients", "anchor_age"), ("icu/chartevents", "valuenum"), ("hosp/admissions", "race")]
)
def test_a_missing_column_is_named(make, name, column):
    release = make()
    release.tables[name] = release[name].drop(columns=column)
    folder = release.write()
    assert f"{folder / name}.csv.gz has no column {column!r}." in refusal(folder)


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("hosp/patients", {"anchor_age": "secret"}),
        ("hosp/admissions", {"admittime": "secret"}),
        ("hosp/admissions", {"hospital_expire_flag": "secret"}),
        ("icu/icustays", {"intime": "2150-13-01 secret"}),
    ],
)
def test_a_cell_that_does_not_fit_is_not_shown(make, name, cells):
    release = make()
    release.change(name, 1, **cells)
    folder = release.write()
    said = refusal(folder)
    assert f"{folder / name}.csv.gz" in said
    assert "secret" not in said


@pytest.mark.parametrize("code", [2, None, "yes"])
def test_an_unknown_code_of_the_label_is_refused(make, code):
    release = make()
    release.change("hosp/admissions", 1, hospital_expire_flag=code)
    assert "must be 0 or 1 and is something else in <10 admissions" in refusal(release.write())


def test_no_stay_left_is_refused_with_the_reasons(make):
    release = make()
    release["icu/icustays"]["outtime"] = release["icu/icustays"]["intime"]
    assert "is left (<10 stays last less than the 48 hours observed: left out)" in refusal(release.write())


def test_a_table_without_stays_is_refused(make):
    release = make()
    release.tables["icu/icustays"] = release["icu/icustays"].iloc[:0]
    assert refusal(folder := release.write()) == f"{folder}/icu/icustays.csv.gz holds no stays. Is the release whole?"


def test_options_are_checked(make):
    folder = make().write()
    assert "window=36 must be 24 or 48" in refusal(folder, window=36)
    assert "unknown variable 'heartrate'. Did you mean 'heart_rate'?" in refusal(folder, variables=["heartrate"])
    assert "each of them once" in refusal(folder, variables=["ph", "ph"])
    assert "at least one variable" in refusal(folder, variables=[])
