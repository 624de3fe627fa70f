"""Names, severities and tables that cannot be corrupted: one line that says what to do."""

from __future__ import annotations

import pandas as pd
import pytest

from efficienttrust.data import load_problem
from efficienttrust.errors import UsageError
from efficienttrust.threats.corruptions.tables import (
    TableScale,
    corrupt_table,
    corruption_note,
    table_corruptions,
    table_scale,
)
from tests.threats.corruptions_tables.mixed_tables import every_corruption, make_table, mixed_scale

CATEGORICAL_ONLY = TableScale((), mixed_scale().categorical)
NUMBERS_ONLY = TableScale(mixed_scale().numeric, ())
NEED_NUMBERS = {name for name in table_corruptions.names() if "noise" in name or "unit" in name or "salt" in name}


@every_corruption
def test_a_table_that_cannot_change_comes_back_and_says_so(name):
    frame = make_table(30)
    fixed = mixed_scale(immutable=tuple(column.name for column in mixed_scale().columns))
    with pytest.warns(UserWarning, match=f"{name} leaves the table as it is: it has no"):
        worse = corrupt_table(frame, name, 5, columns=fixed)
    pd.testing.assert_frame_equal(worse, frame)
    assert worse is not frame


@every_corruption
def test_each_corruption_knows_what_it_needs(name):
    assert bool(corruption_note(name, CATEGORICAL_ONLY)) == (name in NEED_NUMBERS)
    assert bool(corruption_note(name, NUMBERS_ONLY)) == (name == "category_swap")
    assert corruption_note(name, mixed_scale()) == ""


def test_no_numeric_column():
    frame = make_table(200)
    with pytest.warns(UserWarning, match="no numeric column"):
        pd.testing.assert_frame_equal(corrupt_table(frame, "gaussian_noise", 3, columns=CATEGORICAL_ONLY), frame)


def test_one_column_has_nothing_to_depend_on():
    scale = TableScale(mixed_scale().numeric[:1], ())
    assert "no second column" in corruption_note("mar", scale)
    assert corruption_note("mnar", scale) == ""


@pytest.mark.parametrize(("name", "hint"), [("gausian_noise", "gaussian_noise"), ("MCAR", "mcar")])
def test_unknown_name(name, hint):
    with pytest.raises(UsageError, match=f"unknown table corruption '{name}'. Did you mean '{hint}'"):
        corrupt_table(make_table(20), name, 1, columns=mixed_scale())


@pytest.mark.parametrize("severity", [0, 6, -1, 2.5, "3"])
def test_severities_are_one_to_five(severity):
    with pytest.raises(UsageError, match="severities 1 to 5"):
        corrupt_table(make_table(20), "mcar", severity, columns=mixed_scale())


def test_a_table_without_an_input_column():
    frame = make_table(20).rename(columns={"income": "incomes"})
    with pytest.raises(UsageError, match=r"no column 'income'\. Did you mean 'incomes'"):
        corrupt_table(frame, "mcar", 1, columns=mixed_scale())


def test_two_columns_of_one_name():
    frame = make_table(20)
    doubled = pd.concat([frame, frame[["income"]]], axis=1)
    with pytest.raises(UsageError, match="2 columns called 'income'"):
        corrupt_table(doubled, "mcar", 1, columns=mixed_scale())


def test_text_where_a_number_is_wanted():
    frame = make_table(20).astype({"income": object})
    frame.loc[3, "income"] = "plenty"
    with pytest.raises(UsageError, match="column 'income', row 3: expected a number"):
        corrupt_table(frame, "gaussian_noise", 1, columns=mixed_scale())


def test_scales_come_from_the_training_rows_alone():
    table = make_table(600)
    before = load_problem(table, label="approved", sensitive="sex", drop="note")
    changed = table.copy()
    outside = [row for name in ("monitor", "calibrate", "certify", "test") for row in before.splits[name].rows]
    changed.loc[outside, "income"] = 1e6
    changed.loc[outside, "region"] = "north"
    first = table_scale(before)
    second = table_scale(load_problem(changed, label="approved", sensitive="sex", drop="note"))
    for old, new in zip(first.numeric, second.numeric, strict=True):
        assert (old.mean, old.std, old.low, old.high) == (new.mean, new.std, new.low, new.high)
        assert (old.reference == new.reference).all()
    for block, other in zip(first.categorical, second.categorical, strict=True):
        assert block.values == other.values
        assert (block.shares == other.shares).all()


def test_sensitive_columns_that_are_inputs_are_corrupted():
    table = make_table(600)
    problem = load_problem(table, label="approved", sensitive="sex", drop="note", use_sensitive_as_input=True)
    worse = corrupt_table(table, "mcar", 5, columns=table_scale(problem))
    assert worse["sex"].isna().any()
