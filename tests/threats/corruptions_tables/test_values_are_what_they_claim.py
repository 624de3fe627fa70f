"""Noise, stuck cells, unit errors and swapped categories: the new values and how many there are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from efficienttrust.threats.corruptions.tables import SEVERITIES, corrupt_table, table_corruptions
from tests.threats.corruptions_tables.mixed_tables import changed, make_table, mixed_scale

NUMBERS = {column.name: column for column in mixed_scale().mutable_numeric}
CATEGORIES = {column.name: column for column in mixed_scale().mutable_categorical}


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize(
    ("name", "law"), [("gaussian_noise", stats.norm()), ("uniform_noise", stats.uniform(-np.sqrt(3), 2 * np.sqrt(3)))]
)
def test_noise_has_the_stated_law(name, law, severity):
    frame = make_table(3000, seed=21)
    worse = corrupt_table(frame, name, severity, columns=mixed_scale())
    level = table_corruptions.get(name).level(severity)
    shifts = {}
    for column in ("income", "debt"):
        shift = (worse[column] - frame[column]).dropna() / (level * NUMBERS[column].std)
        assert stats.kstest(shift, law.cdf).pvalue > 1e-5
        shifts[column] = shift
    both = pd.DataFrame(shifts).dropna()
    assert abs(both.corr().iloc[0, 1]) < 5 / np.sqrt(len(both))


def test_noise_on_whole_numbers_is_rounded_noise():
    frame = make_table(3000, seed=22)
    worse = corrupt_table(frame, "gaussian_noise", 5, columns=mixed_scale())
    assert worse["children"].dtype == frame["children"].dtype
    shift = worse["children"] - frame["children"]
    std = NUMBERS["children"].std
    for value in range(-2, 3):
        expected = stats.norm.cdf((value + 0.5) / std) - stats.norm.cdf((value - 0.5) / std)
        low, high = stats.binom.interval(1 - 1e-6, 3000, expected)
        assert low <= (shift == value).sum() <= high


@pytest.mark.parametrize("severity", SEVERITIES)
def test_salt_and_pepper_are_the_ends_of_the_training_range(severity):
    frame = make_table(4000, seed=23)
    worse = corrupt_table(frame, "salt", severity, columns=mixed_scale())
    share = table_corruptions.get("salt").level(severity)
    for name in ("income", "debt"):
        hit = changed(frame, worse)[name]
        ends = NUMBERS[name].low, NUMBERS[name].high
        assert set(worse[name][hit]) <= set(ends)
        n = int(frame[name].notna().sum())
        for end in ends:
            low, high = stats.binom.interval(1 - 1e-6, n, share / 2)
            assert low <= (worse[name][hit] == end).sum() <= high


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize(("name", "factor"), [("unit_error_tenfold", 10.0), ("unit_error_tenth", 0.1)])
def test_unit_errors_are_exact_and_as_many_as_stated(name, factor, severity):
    frame = make_table(4000, seed=24)
    worse = corrupt_table(frame, name, severity, columns=mixed_scale())
    hit = changed(frame, worse)
    share = table_corruptions.get(name).level(severity)
    for column in ("income", "debt"):
        old, new = frame[column][hit[column]], worse[column][hit[column]]
        np.testing.assert_array_equal(new, old * 10.0 if factor == 10.0 else old / 10.0)
        low, high = stats.binom.interval(1 - 1e-6, int(frame[column].notna().sum()), share)
        assert low <= hit[column].sum() <= high
    old, new = frame["age"][hit["age"]], worse["age"][hit["age"]]
    np.testing.assert_array_equal(new, np.rint(old * 10 if factor == 10.0 else old / 10))
    assert not hit[[*CATEGORIES, "born"]].to_numpy().any()


@pytest.mark.parametrize("name", ["unit_error_tenfold_one_column", "unit_error_tenth_one_column"])
def test_a_unit_error_of_one_column_leaves_the_others_alone(name):
    frame = make_table(1500, seed=25)
    struck = set()
    for seed in range(30):
        hit = changed(frame, corrupt_table(frame, name, 4, columns=mixed_scale(), seed=seed))
        (column,) = hit.columns[hit.any()]
        if column in ("income", "debt"):  # in whole columns some cells are the same after rounding
            low, high = stats.binom.interval(1 - 1e-6, int(frame[column].notna().sum()), 0.30)
            assert low <= hit[column].sum() <= high
        struck.add(column)
    assert struck == set(NUMBERS)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_a_swap_takes_each_other_category_equally_often(severity):
    frame = make_table(4000, seed=26)
    worse = corrupt_table(frame, "category_swap", severity, columns=mixed_scale())
    hit = changed(frame, worse)
    share = table_corruptions.get("category_swap").level(severity)
    assert not hit[[*NUMBERS, "born"]].to_numpy().any()
    for name, column in CATEGORIES.items():
        assert worse[name].dtype == frame[name].dtype
        rows = hit[name]
        low, high = stats.binom.interval(1 - 1e-6, int(frame[name].notna().sum()), share)
        assert low <= rows.sum() <= high, "a swap that keeps the category would show here"
        assert set(worse[name][rows]) <= set(column.values)
        table = pd.crosstab(frame[name][rows].astype(str), worse[name][rows].astype(str))
        for own in table.index:
            others = table.loc[own].drop(own, errors="ignore")
            assert len(others) == len(column.categories) - 1
            assert len(others) == 1 or stats.chisquare(others).pvalue > 1e-6


def test_an_unknown_category_may_become_any_known_one():
    frame = make_table(2000, seed=27)
    frame["housing"] = "castle"
    worse = corrupt_table(frame, "category_swap", 5, columns=mixed_scale())
    swapped = worse["housing"][worse["housing"] != "castle"]
    assert stats.chisquare(swapped.value_counts()).pvalue > 1e-6
    assert set(swapped) == {"own", "rent", "free"}


def test_a_swapped_boolean_is_still_a_boolean():
    frame = make_table(300, seed=28)
    worse = corrupt_table(frame, "category_swap", 5, columns=mixed_scale())
    assert worse["owner"].dtype == bool
    assert 100 < (worse["owner"] != frame["owner"]).sum() < 200
