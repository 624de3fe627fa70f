"""Train in some environments, test in others: which rows land where, and in one call."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from efficienttrust.data import SPLITS, load_problem
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.shift import (
    environment_split,
    leave_one_environment_out,
    load_environment_split,
)
from efficienttrust.evaluation.shift._protocol import SPLIT_COLUMN


def loans(n: int = 900, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    income = rng.normal(30, 8, n)
    table = pd.DataFrame(
        {
            "income": income,
            "age": rng.integers(18, 80, n),
            "sex": rng.choice(["F", "M"], n),
            "state": rng.choice(["CA", "NY", "TX"], n),
            "year": rng.integers(2018, 2022, n),
            "approved": np.where(income + rng.normal(0, 8, n) > 30, "yes", "no"),
        }
    )
    table.loc[table.index % 50 == 7, "state"] = None
    return table


def test_one_call_trains_on_some_states_and_tests_on_others():
    table = loans()
    problem = load_environment_split(table, "state", "TX", label="approved", sensitive="sex")
    kept = table[table["state"].notna()].reset_index(drop=True)
    states = {name: set(kept.loc[problem.splits[name].rows, "state"]) for name in SPLITS}
    assert states == {name: {"TX"} if name == "test" else {"CA", "NY"} for name in SPLITS}
    assert len(problem.splits["test"]) == (table["state"] == "TX").sum()
    assert sum(map(len, problem.splits.values())) == table["state"].notna().sum()
    assert {"state", SPLIT_COLUMN}.isdisjoint(problem.encoder.columns)


def test_several_environments_may_be_held_out():
    table = loans()
    split = environment_split(table, "year", [2020, 2021])
    assert (split.train, split.test) == (("2018", "2019"), ("2020", "2021"))
    np.testing.assert_array_equal(split.rows.outside, table["year"] >= 2020)
    np.testing.assert_array_equal(split.rows.inside, table["year"] < 2020)
    marked = load_problem(split.table(table), label="approved", split_column=SPLIT_COLUMN)
    assert len(marked.splits["test"]) == (table["year"] >= 2020).sum()


def test_leave_one_out_tests_every_environment_once():
    table = loans()
    splits = list(leave_one_environment_out(table, "state"))
    assert [split.test for split in splits] == [("CA",), ("NY",), ("TX",)]
    known = table["state"].notna()
    for split in splits:
        assert split.train == tuple(name for name in ("CA", "NY", "TX") if name not in split.test)
        np.testing.assert_array_equal(split.rows.inside | split.rows.outside, known)
        assert not (split.rows.inside & split.rows.outside).any()
        np.testing.assert_array_equal(split.rows.outside, table["state"] == split.test[0])
    np.testing.assert_array_equal(sum(split.rows.outside.astype(int) for split in splits), known)


def test_the_environment_may_be_a_sensitive_attribute():
    problem = load_environment_split(loans(), "sex", "F", label="approved", sensitive="sex", drop="state,year")
    assert problem.sensitive == ("sex",)
    assert problem.encoder.columns == ("income", "age")
    test = problem.splits["test"]
    assert set(test.codes["sex"]) == {problem.attribute_names["sex"].index("F")}


@pytest.mark.parametrize(
    ("held_out", "column", "message"),
    [
        ("TX", "stat", r"no column 'stat'\. Did you mean 'state'"),
        ("TXX", "state", r"column 'state' has no value 'TXX'\. Did you mean 'TX'"),
        (["CA", "NY", "TX"], "state", "all categories of column 'state' are held out"),
        ([], "state", "no category of column 'state' is held out"),
        ("TX", "income", "more than 100"),
    ],
)
def test_faults_are_one_line(held_out, column, message):
    with pytest.raises(UsageError, match=message):
        environment_split(loans(), column, held_out)


def test_a_single_environment_cannot_be_split():
    with pytest.raises(UsageError, match="one environment only, 'CA'"):
        environment_split(loans().assign(state="CA"), "state", "CA")
    with pytest.raises(UsageError, match="one environment only, 'CA'"):
        next(leave_one_environment_out(loans().assign(state="CA"), "state"))


def test_two_ways_to_split_are_one_too_many():
    with pytest.raises(UsageError, match="Leave out the split column"):
        load_environment_split(loans(), "state", "TX", label="approved", split_column="year")
    with pytest.raises(UsageError, match="has a column"):
        environment_split(loans(), "state", "TX").table(loans().assign(**{SPLIT_COLUMN: "train"}))


def test_a_test_environment_of_one_class_is_refused():
    table = loans()
    table.loc[table["state"] == "TX", "approved"] = "yes"
    with pytest.raises(UsageError, match="split 'test' has no row with label 'no'"):
        load_environment_split(table, "state", "TX", label="approved")


def test_numbers_are_ordered_as_numbers():
    table = loans()
    table["ward"] = np.array(["9", "10", "100", "2"])[np.arange(len(table)) % 4]
    assert [split.test for split in leave_one_environment_out(table, "ward")] == [("2",), ("9",), ("10",), ("100",)]
    held = environment_split(table, "ward", "10")
    np.testing.assert_array_equal(held.rows.outside, table["ward"] == "10")
