"""Relations declared with the data reach the domain, the settings and the notes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from efficienttrust.data import load_problem
from efficienttrust.errors import UsageError


def table(n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 10, n).round(2)
    high = low + rng.uniform(-0.2, 5, n).round(2)
    return pd.DataFrame({"low": low, "high": high, "y": (low + high + rng.normal(size=n) > 12).astype(int)})


def test_a_relation_becomes_part_of_the_domain() -> None:
    frame = table()
    problem = load_problem(frame, label="y", relations="low <= high")
    assert problem.domain.relations is not None
    coefficients, bounds, equal = problem.domain.relations
    assert coefficients.shape == (1, 2)
    assert not equal.any()
    rows = problem.splits["test"]
    slack = rows.x[:, :2] @ coefficients[0] - bounds[0]
    raw = frame.loc[rows.rows]
    np.testing.assert_array_equal(slack > 1e-5, (raw["low"] > raw["high"] + 1e-5).to_numpy())
    assert problem.settings["relations"] == ["low <= high"]


def test_rows_that_break_it_are_counted() -> None:
    frame = table()
    broken = int((frame["low"] > frame["high"] + 1e-6).sum())
    problem = load_problem(frame, label="y", relations=["low <= high"])
    assert broken > 0
    assert any(note.startswith(f"{broken} rows break the relation 'low <= high'") for note in problem.notes)


def test_without_relations_nothing_changes() -> None:
    problem = load_problem(table(), label="y")
    assert problem.domain.relations is None
    assert "relations" not in problem.settings


@pytest.mark.parametrize(
    ("text", "message"),
    [("lwo <= high", "Did you mean 'low'"), ("low <= y", "no numeric input"), ("low", "relation"), ("low < ", "low <")],
)
def test_what_is_no_relation_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_problem(table(), label="y", relations=[text])
