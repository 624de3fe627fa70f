"""Out-of-distribution rows of a table: a category, a subgroup, another data set."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.shift import held_out_category, same_schema, shifted_subgroup

TABLE = pd.DataFrame(
    {
        "age": [20.0, 30.0, np.nan, 60.0, 45.0, 25.0],
        "housing": ["own", "rent", "free", None, "own", "rent"],
        "flag": [True, False, True, True, False, False],
        "ward": [1, 2, 3, 1, 2, 3],
    }
)


def test_a_category_is_held_out():
    held = held_out_category(TABLE, "housing", "own")
    assert held.what == "housing = own"
    assert held.outside.tolist() == [True, False, False, False, True, False]
    assert held.inside.tolist() == [False, True, True, False, False, True]
    several = held_out_category(TABLE, "ward", (1, 3))
    assert several.what == "ward = 1 or 3"
    np.testing.assert_array_equal(several.outside, TABLE["ward"] != 2)
    np.testing.assert_array_equal(held_out_category(TABLE, "flag", True).outside, TABLE["flag"])
    with pytest.raises(UsageError, match="column 'housing' has no value 'owned'"):
        held_out_category(TABLE, "housing", "owned")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (">= 60", [False, False, False, True, False, False]),
        ("<30", [True, False, False, False, False, True]),
        (">= 25 and < 45", [False, True, False, False, False, True]),
        ("!= 2.0e1", [False, True, False, True, True, True]),
        ("== 45", [False, False, False, False, True, False]),
    ],
)
def test_a_subgroup_is_cut_off(condition, expected):
    held = shifted_subgroup(TABLE, "age", condition)
    assert held.what == f"age {condition}"
    assert held.outside.tolist() == expected
    np.testing.assert_array_equal(held.inside | held.outside, TABLE["age"].notna())
    assert not (held.inside & held.outside).any()


@pytest.mark.parametrize(
    ("column", "condition", "message"),
    [
        ("ages", "> 3", r"no column 'ages'\. Did you mean 'age'"),
        ("housing", "> 3", "column 'housing', row 0: expected a number, got 'own'"),
        ("age", "over 60", "cannot read the condition 'over 60'"),
        ("age", "60", "cannot read the condition"),
        ("age", "", "cannot read the condition"),
        ("age", "> 3 or < 1", "cannot read the condition"),
        ("age", "> 100", "no row is outside when age > 100 is held out: 'age' is from 20 to 60"),
        ("age", "> 1", "no row is left when age > 1 is held out"),
    ],
)
def test_conditions_that_hold_nothing_out(column, condition, message):
    with pytest.raises(UsageError, match=message):
        shifted_subgroup(TABLE, column, condition)


def test_a_column_of_missing_cells():
    with pytest.raises(UsageError, match="all missing"):
        shifted_subgroup(TABLE.assign(age=np.nan), "age", "> 1")


def test_another_data_set_takes_the_columns_of_the_first():
    other = pd.DataFrame({"extra": [0, 1], "ward": [7, 8], "flag": [True, True], "housing": ["a", "b"], "age": [1, 2]})
    taken = same_schema(TABLE, other)
    assert list(taken.columns) == list(TABLE.columns)
    pd.testing.assert_frame_equal(taken, other[list(TABLE.columns)])
    assert list(same_schema(TABLE, other, ("age", "ward")).columns) == ["age", "ward"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.rename(columns={"age": "Age"}), "lacks 1 of 4 columns: 'age'. Did you mean 'Age'"),
        (lambda table: table[["ward"]], "lacks 3 of 4 columns: 'age', 'housing', 'flag'"),
        (lambda table: table.assign(ward="first"), "column 'ward', row 0: expected a number, got 'first'"),
        (lambda table: table.head(0), "has the columns but no rows"),
    ],
)
def test_another_schema_is_refused_by_name(change, message):
    with pytest.raises(UsageError) as caught:
        same_schema(TABLE, change(TABLE))
    assert message in str(caught.value)
