"""What hospitals write of sex, race and age comes out in the same words, and what they do not know stays missing."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efficienttrust.data.images._chest_people import plausible_ages, race_of, sex_of, usual_race


@pytest.mark.parametrize(
    ("said", "race"),
    [
        ("White", "White"),
        ("WHITE - BRAZILIAN", "White"),
        ("White or Caucasian", "White"),
        ("Caucasian", "White"),  # ends like Asian
        ("White, non-Hispanic", "White"),
        ("White, Hispanic", "White"),
        ("Black or African American", "Black"),
        ("BLACK/CAPE VERDEAN", "Black"),
        ("Black, non-Hispanic", "Black"),
        ("Asian", "Asian"),
        ("ASIAN - SOUTH EAST ASIAN", "Asian"),
        ("Asian - Historical Conv", "Asian"),
        ("HISPANIC/LATINO - PUERTO RICAN", "Hispanic"),
        ("Other, Hispanic", "Hispanic"),
        ("Other, non-Hispanic", "Other"),
        ("NATIVE HAWAIIAN OR OTHER PACIFIC ISLANDER", "Other"),
        ("AMERICAN INDIAN/ALASKA NATIVE", "Other"),
        ("MULTIPLE RACE/ETHNICITY", "Other"),
        ("PORTUGUESE", "Other"),
        ("OTHER", "Other"),
        ("UNKNOWN", None),
        ("Race and Ethnicity Unknown", None),
        ("Patient Refused", None),
        ("PATIENT DECLINED TO ANSWER", None),
        ("UNABLE TO OBTAIN", None),
        ("?", None),
        ("", None),
    ],
)
def test_race(said, race):
    (told,) = race_of(pd.Series([said], dtype=str))
    assert told == race or (race is None and pd.isna(told))


def test_sex():
    told = sex_of(pd.Series(["M", "f", "Male", "FEMALE", "Unknown", "", "O"]))
    assert told.fillna("").tolist() == ["Male", "Female", "Male", "Female", "", "", ""]


def test_ages_beyond_any_human_are_missing_and_counted():
    notes: list[str] = []
    ages = plausible_ages(pd.Series([0.0, 120.0, 121.0, 411.0, -1.0, np.nan]), notes)
    np.testing.assert_array_equal(ages, [0, 120, np.nan, np.nan, np.nan, np.nan])
    assert notes == ["3 impossible ages are taken as missing"]
    plausible_ages(pd.Series([50.0]), notes)
    assert len(notes) == 1


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["WHITE", "ASIAN", "BLACK", "UNKNOWN"])), max_size=12)
)
def test_the_usual_race_is_counted_and_the_first_of_equals(rows):
    patients = pd.Series([patient for patient, _race in rows], dtype=object)
    usual = usual_race(patients, pd.Series([race for _patient, race in rows], dtype=object))
    told: dict[str, Counter[str]] = {}
    for patient, race in rows:
        if race != "UNKNOWN":
            told.setdefault(patient, Counter())[race.title()] += 1
    # most_common keeps the order of first occurrence among equals
    assert usual.to_dict() == {patient: races.most_common(1)[0][0] for patient, races in told.items()}
