"""Who is in the cohort and what became of them, against cases whose answer is plain; who is left out is counted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from efficienttrust.data.clinical import read_mimic_iv

ENTRY = pd.Timestamp("2150-03-01 10:20:00")
ADMISSIONS, STAYS = "hosp/admissions", "icu/icustays"


def hours(count: float) -> pd.Timestamp:
    return ENTRY + pd.Timedelta(hours=count)


def read(release, **options) -> pd.DataFrame:
    return read_mimic_iv(release.write(), variables=["heart_rate"], **options)


@pytest.mark.parametrize(
    ("name", "cells", "reason"),
    [
        (STAYS, {"outtime": hours(47.9)}, "last less than the 48 hours observed"),
        (STAYS, {"outtime": ENTRY}, "last less than the 48 hours observed"),
        (STAYS, {"outtime": hours(-1)}, "end before they begin"),
        (STAYS, {"outtime": None}, "have no admission, patient or dates"),
        (STAYS, {"hadm_id": 999}, "have no admission, patient or dates"),
        (STAYS, {"intime": hours(-99), "outtime": hours(-30)}, "do not overlap their admission"),
        (STAYS, {"intime": hours(200), "outtime": hours(300)}, "do not overlap their admission"),
        (ADMISSIONS, {"dischtime": hours(-7)}, "have the discharge before the admission"),
        (ADMISSIONS, {"deathtime": hours(-7)}, "have the death before the admission"),
        (ADMISSIONS, {"deathtime": hours(47)}, "ended in death within the 48 hours observed"),
        ("hosp/patients", {"anchor_age": 15}, "are of patients under 18"),
    ],
)
def test_a_stay_is_left_out_for_one_reason_which_is_told(make, name, cells, reason):
    release = make(3)
    release.change(name, 1, **cells)
    table = read(release)
    assert list(table.index) == [201, 203]
    assert f"<10 stays {reason}: left out" in table.attrs["notes"]


def test_adults_who_stay_exactly_as_long_as_the_window_are_in(make):
    release = make(2)
    release.change(STAYS, 0, outtime=hours(48))
    release.change("hosp/patients", 1, anchor_age=16)  # 18 in 2150
    table = read(release)
    assert table["age"].to_list() == [60, 18]
    assert table["los"].to_list() == [2, 4]


def test_the_shorter_window_lets_shorter_stays_in(make):
    release = make(2)
    release.change(STAYS, 0, outtime=hours(30))
    assert len(read(release, window=24)) == 2
    assert len(read(release, window=48)) == 1


def test_only_the_first_stay_of_an_admission_counts_even_when_it_is_too_short(make):
    release = make(2)
    earlier = release[STAYS].iloc[[0]].assign(stay_id=300, intime=hours(-5), outtime=hours(-1))
    release.tables[STAYS] = pd.concat([release[STAYS], earlier], ignore_index=True)
    table = read(release)
    assert list(table.index) == [202]
    assert "<10 stays are not the first of their admission: left out" in table.attrs["notes"]


def test_length_of_stay_is_that_in_intensive_care(make):
    release = make(3)
    release.change(STAYS, 0, outtime=hours(72))
    release.change(STAYS, 1, outtime=hours(72.5))
    table = read(release)
    assert table["los_over_3_days"].to_list() == [0, 1, 1]
    np.testing.assert_allclose(table["los"], [3, 72.5 / 24, 4])


def test_death_in_hospital_is_the_flag_of_the_admission(make):
    release = make(3)
    release.change(ADMISSIONS, 1, hospital_expire_flag=1, deathtime=hours(96))
    release.change("hosp/patients", 2, dod="2150-03-20")  # after discharge
    table = read(release)
    assert table["mortality"].to_list() == [0, 1, 0]
    assert table["readmission_30_days"].isna().to_list() == [False, True, False]


@pytest.mark.parametrize(
    ("days_after_discharge", "label"), [(0, 1), (12, 1), (30, 1), (30.01, 0), (200, 0), (-0.5, 0), (-400, 0)]
)
def test_readmission_is_a_later_admission_within_30_days_of_discharge(make, days_after_discharge, label):
    release = make(2)
    back = hours(6 * 24) + pd.Timedelta(days=days_after_discharge)
    again = release[ADMISSIONS].iloc[[0]].assign(hadm_id=500, admittime=back, dischtime=back + pd.Timedelta(days=1))
    release.tables[ADMISSIONS] = pd.concat([release[ADMISSIONS], again], ignore_index=True)
    assert read(release)["readmission_30_days"].to_list() == [label, 0]


def test_groups_are_coarse(make):
    races = {
        "WHITE - RUSSIAN": "White",
        "PORTUGUESE": "White",
        "BLACK/CAPE VERDEAN": "Black",
        "HISPANIC OR LATINO": "Hispanic",
        "SOUTH AMERICAN": "Hispanic",
        "ASIAN - CHINESE": "Asian",
        "AMERICAN INDIAN/ALASKA NATIVE": "Other/Unknown",
        "UNABLE TO OBTAIN": "Other/Unknown",
        None: "Other/Unknown",
    }
    release = make(len(races))
    release[ADMISSIONS]["race"] = list(races)
    release[ADMISSIONS]["language"] = ["ENGLISH", "English", "?", "Spanish", None, *["ENGLISH"] * 4]
    release[ADMISSIONS]["insurance"] = [None, "Private", *["Medicaid"] * 7]
    release[ADMISSIONS].loc[8, "admission_location"] = None
    release["hosp/patients"]["anchor_age"] = [16, 42, 43, 62, 63, 77, 78, 89, 89]
    release["hosp/patients"].loc[8, "gender"] = None
    table = read(release)
    assert table["race"].to_list() == list(races.values())
    assert table["language"].to_list() == ["English"] * 2 + ["Other/Unknown"] * 3 + ["English"] * 4
    assert table["insurance"].to_list()[:3] == ["Unknown", "Private", "Medicaid"]
    assert table["age_band"].to_list() == ["18-44"] * 2 + ["45-64"] * 2 + ["65-79"] * 2 + ["80+"] * 3
    assert table["sex"].to_list()[:2] == ["Female", "Male"]
    assert pd.isna(table["sex"].iloc[8])
    assert table["admission_location"].iloc[8] == "Unknown"


def test_what_the_row_knows_was_known_at_the_entry(make):
    """Another outcome changes the labels of a row and nothing else."""
    release = make(2)
    before = read(release)
    release.change(ADMISSIONS, 0, hospital_expire_flag=1, deathtime=hours(140), dischtime=hours(140))
    release.change(STAYS, 0, outtime=hours(140), last_careunit="Other", los=9)
    after = read(release)
    labels = ["mortality", "los", "los_over_3_days", "readmission_30_days"]
    pd.testing.assert_frame_equal(before.drop(columns=labels), after.drop(columns=labels))
    assert after["mortality"].to_list() == [1, 0]


def test_a_label_of_one_class_is_told(make):
    assert "all stays have mortality = 0: it cannot be learned here" in read(make(2)).attrs["notes"]
