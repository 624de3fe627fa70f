"""A table with every kind of column, and its scale, for the tests of table corruptions."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from efficienttrust.data import Problem, load_problem
from efficienttrust.threats.corruptions.tables import SEVERITIES, TableScale, table_corruptions, table_scale

every_corruption = pytest.mark.parametrize("name", table_corruptions.names())
every_severity = pytest.mark.parametrize("severity", SEVERITIES)

FIXED = ("born",)
"""The immutable column."""
NO_INPUT = ("sex", "approved", "note")
"""Sensitive column, label, and a column that the model does not know."""


def make_table(n: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    income = rng.normal(30.0, 8.0, n)
    table = pd.DataFrame(
        {
            "income": income,
            "debt": rng.gamma(2.0, 5.0, n),
            "children": rng.poisson(1.2, n),
            "born": rng.integers(1940, 2005, n),
            "age": rng.integers(18, 80, n).astype(float),
            "owner": rng.random(n) < 0.4,
            "housing": rng.choice(["own", "rent", "free"], n, p=[0.5, 0.4, 0.1]),
            "region": pd.Categorical(rng.choice(["north", "south", "east", "west"], n, p=[0.4, 0.3, 0.2, 0.1])),
            "sex": rng.choice(["F", "M"], n),
            "approved": np.where(income + rng.normal(0, 8, n) > 30, "yes", "no"),
            "note": [f"row {row}" for row in range(n)],
        }
    )
    table.loc[table.index % 11 == 3, "debt"] = np.nan
    table.loc[table.index % 7 == 3, "age"] = np.nan
    table.loc[table.index % 13 == 5, "housing"] = None
    return table


@cache
def mixed_problem(immutable: tuple[str, ...] = FIXED) -> Problem:
    return load_problem(make_table(3000), label="approved", sensitive="sex", immutable=immutable, drop="note")


@cache
def mixed_scale(immutable: tuple[str, ...] = FIXED) -> TableScale:
    return table_scale(mixed_problem(immutable))


def changed(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return which cells are not what they were; missing and missing are the same."""
    return pd.DataFrame(
        {
            name: ~(
                (before[name].astype(object) == after[name].astype(object)) | (before[name].isna() & after[name].isna())
            )
            for name in before.columns
        }
    )
