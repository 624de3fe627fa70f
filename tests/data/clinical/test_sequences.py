"""Every value lands in the hour in which it was charted, in one unit, and nothing after the window is seen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from efficienttrust.data.clinical import VARIABLES, read_mimic_iv

HEART, FAHRENHEIT, CELSIUS, OXYGEN, LACTATE, SODIUM = 220045, 223761, 223762, 223835, 50813, 50983


def recorded(table: pd.DataFrame) -> dict[tuple[int, str], float]:
    """Return what is not missing: (stay, column) -> value."""
    long = table[[name for name in table.columns if "@" in name]].stack()
    return {place: round(float(value), 4) for place, value in long.dropna().items()}


def test_values_of_an_hour_are_averaged_and_the_rest_is_missing(make):
    release = make()
    release.chart(201, 0, HEART, 80)
    release.chart(201, 0.99, HEART, 90)
    release.chart(201, 1, HEART, 100)
    release.chart(203, 47.99, HEART, 70)
    release.measure(2, 3.5, LACTATE, 2.5)
    table = read_mimic_iv(release.write())
    assert recorded(table) == {
        (201, "heart_rate@00"): 85,
        (201, "heart_rate@01"): 100,
        (202, "lactate@03"): 2.5,
        (203, "heart_rate@47"): 70,
    }
    assert len([name for name in table.columns if "@" in name]) == 48 * len(VARIABLES)
    assert {str(table[name].dtype) for name in table.columns if "@" in name} == {"float32"}


@pytest.mark.parametrize("window", [24, 48])
def test_nothing_before_the_entry_or_after_the_window_is_seen(make, window):
    release = make()
    release.chart(201, 2, HEART, 80)
    before = read_mimic_iv(release.write(), window=window)
    for hours in (-0.01, window, window + 5, 90):
        release.chart(201, hours, HEART, 200)
        release.measure(1, hours, SODIUM, 150)
    pd.testing.assert_frame_equal(before, read_mimic_iv(release.write(), window=window))


def test_items_of_one_variable_are_joined_in_one_unit(make):
    release = make()
    for hours, item, value in ((0, FAHRENHEIT, 98.6), (1, CELSIUS, 37), (2, OXYGEN, 0.5), (3, OXYGEN, 50)):
        release.chart(201, hours, item, value)
    release.measure(1, 4, 50816, 50)
    assert recorded(read_mimic_iv(release.write())) == {
        (201, "temperature@00"): 37,
        (201, "temperature@01"): 37,
        (201, "inspired_oxygen@02"): 50,
        (201, "inspired_oxygen@03"): 50,
        (201, "inspired_oxygen@04"): 50,
    }


def test_implausible_values_are_missing_and_counted_with_small_counts_suppressed(make):
    release = make()
    for hour in range(12):
        release.chart(201, hour, HEART, 999999)
    release.chart(201, 0, HEART, 80)
    release.chart(201, 0, CELSIUS, 98.6)
    release.chart(201, 1, OXYGEN, 5)
    release.chart(202, 60, CELSIUS, 98.6)  # after the window: not even counted
    table = read_mimic_iv(release.write())
    assert recorded(table) == {(201, "heart_rate@00"): 80}
    notes = [note for note in table.attrs["notes"] if "outside" in note]
    assert notes == [
        "12 values of heart_rate outside 1 to 300 1/min are missing",
        "<10 values of temperature outside 10 to 50 °C are missing",
        "<10 values of inspired_oxygen outside 20 to 100 % are missing",
    ]


def test_events_in_any_order_give_the_same_table(make):
    release = make()
    rng = np.random.default_rng(0)
    for _ in range(60):
        release.chart(int(rng.integers(201, 204)), rng.uniform(-5, 60), HEART, round(rng.uniform(50, 150)))
        release.measure(int(rng.integers(1, 4)), rng.uniform(-5, 60), SODIUM, round(rng.uniform(120, 150)))
    ordered = read_mimic_iv(release.write())
    for name in ("icu/chartevents", "hosp/labevents", "icu/icustays", "hosp/admissions"):
        release.tables[name] = release[name].sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(ordered, read_mimic_iv(release.write()))


def test_events_without_a_stay_are_left_out_and_counted(make):
    release = make()
    for stay in (None, 7, 999, *[301] * 9):
        release.chart(stay, 1, HEART, 80)
    release.chart(202, 1, HEART, 70)
    release.measure(77, 1, SODIUM, 140)
    table = read_mimic_iv(release.write())
    assert recorded(table) == {(202, "heart_rate@01"): 70}
    assert "12 charted values belong to no stay of the release: left out" in table.attrs["notes"]


def test_missing_and_unreadable_values_are_not_recorded(make):
    release = make()
    release.chart(201, 1, HEART, None)
    release.chart(201, 1, HEART, float("inf"))
    release.chart(201, 2, 220046, 80)  # an alarm limit: nobody asked
    assert recorded(read_mimic_iv(release.write())) == {}


def test_a_laboratory_value_goes_to_the_stay_in_whose_window_it_was_taken(make):
    release = make(2)
    for name, shift in (("hosp/admissions", ["admittime", "dischtime"]), ("icu/icustays", ["intime", "outtime"])):
        again = release[name].iloc[[0]].copy()
        again["hadm_id"] = 150
        again[shift] += pd.Timedelta(days=20)
        if name == "icu/icustays":
            again["stay_id"] = 190
        release.tables[name] = pd.concat([release[name], again], ignore_index=True)
    release.measure(1, 5, SODIUM, 130)
    release.measure(1, 20 * 24 + 7, SODIUM, 150)
    release.measure(1, 10 * 24, SODIUM, 140)
    assert recorded(read_mimic_iv(release.write())) == {(201, "sodium@05"): 130, (190, "sodium@07"): 150}


def test_chosen_variables_need_only_their_tables(make):
    release = make()
    release.chart(201, 0, HEART, 80)
    del release.tables["hosp/labevents"]
    table = read_mimic_iv(release.write(), window=24, variables=["gcs_eye", "heart_rate"])
    columns = [name for name in table.columns if "@" in name]
    assert columns == [f"{name}@{hour:02d}" for name in ("gcs_eye", "heart_rate") for hour in range(24)]
    assert recorded(table) == {(201, "heart_rate@00"): 80}


def test_more_stays_than_a_block_keep_their_own_values(make):
    release = make(1100)
    rng = np.random.default_rng(0)
    stays = rng.permutation(np.repeat(np.arange(201, 1301), 2))
    start = pd.Timestamp("2150-03-01 10:20:00")
    minutes = rng.integers(0, 48 * 60, len(stays))
    release.tables["icu/chartevents"] = events = pd.DataFrame(
        {
            "stay_id": stays,
            "charttime": start + pd.to_timedelta(minutes, unit="min"),
            "itemid": HEART,
            "valuenum": rng.integers(50, 150, len(stays)),
        }
    )
    table = read_mimic_iv(release.write(), variables=["heart_rate"])
    expected = events.groupby([events["stay_id"], minutes // 60])["valuenum"].mean().unstack()
    found = table.filter(like="@").to_numpy()
    np.testing.assert_array_equal(found, expected.reindex(index=table.index, columns=range(48)).to_numpy("float32"))


def test_a_release_without_events_says_so_in_one_line(make):
    release = make()
    release.chart(201, 50, HEART, 80)  # behind the window
    says = "nothing was recorded within the window of any stay: all columns NAME@TT are empty"
    table = read_mimic_iv(release.write())
    assert says in table.attrs["notes"]
    assert recorded(table) == {}
    release.chart(201, 5, HEART, 80)
    assert says not in read_mimic_iv(release.write()).attrs["notes"]
