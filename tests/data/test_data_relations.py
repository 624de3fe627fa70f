"""Declared linear relations: what is read, which rows break them, and the same answer on encoded rows."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from efficienttrust.data import load_problem
from efficienttrust.data._relations import LinearRelation, encoded_relations, parse_relation
from efficienttrust.errors import UsageError

COLUMNS = ("a", "b", "total", "hours-per-week", "class", "capital_gain", "capital_loss")


@pytest.mark.parametrize(
    ("text", "coefficients", "sense", "bound"),
    [
        ("capital_gain >= capital_loss", {"capital_gain": -1, "capital_loss": 1}, "<=", 0),
        ("total == a + b", {"total": 1, "a": -1, "b": -1}, "==", 0),
        ("2*a + b <= 100", {"a": 2, "b": 1}, "<=", 100),
        ("100 >= 2*a + b", {"a": 2, "b": 1}, "<=", 100),
        ("`hours-per-week` <= 99", {"hours-per-week": 1}, "<=", 99),
        ("class/4 - (a - 3)*2 >= -(+b)", {"class": -0.25, "a": 2, "b": -1}, "<=", 6),
        ("a + a - b + 1.5e1 == 3 * (b - 2)", {"a": 2, "b": -4}, "==", -21),
        ("a - b + b <= 1", {"a": 1}, "<=", 1),
        ("+".join("a" * 490) + " <= 1", {"a": 490}, "<=", 1),
    ],
)
def test_what_is_read(text, coefficients, sense, bound):
    assert parse_relation(text, COLUMNS) == LinearRelation(coefficients, sense, bound, text)


@given(
    st.lists(st.tuples(st.sampled_from(COLUMNS), st.integers(-9, 9)), min_size=1, max_size=6),
    st.sampled_from(["<=", ">=", "=="]),
    st.integers(-20, 20),
    st.integers(0, 10_000),
)
@settings(max_examples=60, deadline=None)
@example([("a", 1)], "==", 0, 0)
def test_violations_are_those_of_evaluating_the_text(terms, sense, constant, seed):
    """The oracle is Python itself on whole numbers, where a sum has no rounding."""
    factors = {name: sum(factor for other, factor in terms if other == name) for name, _ in terms}
    text = " + ".join(f"{factor} * `{name}`" for name, factor in terms) + f" {sense} {constant}"
    if not any(factors.values()):
        with pytest.raises(UsageError, match="no column is left"):
            parse_relation(text, COLUMNS)
        return
    relation = parse_relation(text, COLUMNS)
    frame = pd.DataFrame(np.random.default_rng(seed).integers(-5, 6, (40, len(COLUMNS))), columns=list(COLUMNS))
    compare = {"<=": int.__le__, ">=": int.__ge__, "==": int.__eq__}[sense]
    holds = [compare(sum(f * int(row[name]) for name, f in factors.items()), constant) for _, row in frame.iterrows()]
    np.testing.assert_array_equal(relation.violated(frame), ~np.array(holds))
    assert parse_relation(json.loads(json.dumps(relation.text)), COLUMNS) == relation


def test_rounding_and_missing_cells_break_nothing():
    relation = parse_relation("total == a + b", COLUMNS)
    frame = pd.DataFrame({"a": [0.1, 0.1, np.nan, 1e9], "b": [0.2, 0.2, 5.0, 1.0], "total": [0.3, 0.301, 9.0, 1e9 + 1]})
    assert 0.1 + 0.2 != 0.3
    assert relation.violated(frame).tolist() == [False, True, False, False]
    assert relation.violated(frame.iloc[:0]).shape == (0,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a * b <= 3", "not linear"),
        ("a ** 2 <= 3", "not linear"),
        ("3 / a <= 3", "not linear"),
        ("a / 0 <= 3", "not linear"),
        ("a() <= 3", "not linear"),
        ("a < 3", "Compare by <=, >= or =="),
        ("a = 3", "Compare by <=, >= or =="),
        ("a != 3", "Compare by <=, >= or =="),
        ("1 <= a <= 3", "2 comparisons"),
        ("a + b", "no comparison"),
        ("", "no comparison"),
        ("a <=", "its right side"),
        ("a + <= 3", "its left side"),
        ("2a <= 3", "its left side"),
        ("`a <= 3", "its left side"),
        ("a; b <= 3", "its left side"),
        ("(" * 400 + "a" + ")" * 400 + " <= 1", "its left side"),
        ("a + " * 600 + "a <= 1", "more than 1000 characters"),
        ("3 <= 4", "no column is left"),
        ("a - a <= 3", "no column is left"),
        ("1e999 * a <= 3", "too large"),
        ("1e400 * a - 1e400 * a <= b", "too large"),
        ("capital_gian >= 0", "Did you mean 'capital_gain'"),
        ("hours-per-week <= 3", "backticks around `hours-per-week`"),
        ("`hours per week` <= 3", "Did you mean 'hours-per-week'"),
    ],
)
def test_what_cannot_be_read_is_one_line(text, message):
    with pytest.raises(UsageError) as caught:
        parse_relation(text, COLUMNS)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_table_without_the_column_says_which_is_close():
    relation = parse_relation("capital_gain >= capital_loss", COLUMNS)
    with pytest.raises(UsageError, match=r"no column 'capital_gain'.* Did you mean 'capital_gains'"):
        relation.violated(pd.DataFrame({"capital_gains": [1], "capital_loss": [0]}))


@pytest.mark.parametrize("seed", range(5))
def test_encoded_rows_break_the_same_relations(seed):
    rng = np.random.default_rng(seed)
    n = 600
    table = pd.DataFrame(
        {
            "part": rng.normal(3, 2, n),
            "rest": rng.integers(0, 90, n),
            "far": rng.normal(1e4, 1e3, n),
            "kind": rng.choice(["x", "y"], n),
            "ok": rng.choice(["yes", "no"], n),
        }
    )
    encoder = load_problem(table, label="ok").encoder
    numeric = [feature.column for feature in encoder.numeric]
    texts = ("part >= 2", "10*part - rest <= 3", "far - 100*rest + part <= 8000", "rest == 40", "far >= 9000 + rest")
    relations = [parse_relation(text, numeric) for text in texts]
    a, b, equal = encoded_relations(relations, encoder)
    assert (a.dtype, b.dtype, equal.tolist()) == (np.float32, np.float32, [False, False, False, True, False])
    np.testing.assert_allclose(np.linalg.norm(a, axis=1), 1.0, rtol=1e-6)
    distance = encoder.transform(table)[:, : len(numeric)].astype(np.float64) @ a.T.astype(np.float64) - b
    for row, relation in enumerate(relations):
        clear = np.abs(distance[:, row]) > 1e-4
        broken = (np.abs(distance[:, row]) if equal[row] else distance[:, row]) > 1e-4
        expected = relation.violated(table)
        assert 0 < expected.sum() < n
        np.testing.assert_array_equal(broken[clear], expected[clear])
        assert clear.sum() > 0.9 * n
        # The distance is to the hyperplane: a step of that length along the row of `a` lands on it.
        landed = encoder.transform(table)[:, : len(numeric)] - distance[:, row, None] * a[row]
        np.testing.assert_allclose(landed @ a[row], b[row], atol=1e-4)


def test_relations_on_columns_that_are_no_numbers_are_refused(loans):
    encoder = load_problem(loans, label="approved", sensitive="sex").encoder
    categorical = LinearRelation({"housing": 1.0}, "<=", 1.0, "housing <= 1")
    with pytest.raises(UsageError, match="'housing' holds categories"):
        encoded_relations([categorical], encoder)
    with pytest.raises(UsageError, match=r"'incom' is no numeric input of the model\. Did you mean 'income'"):
        encoded_relations([LinearRelation({"incom": 1.0}, "<=", 1.0, "incom <= 1")], encoder)
    a, b, equal = encoded_relations([], encoder)
    assert (a.shape, b.shape, equal.shape) == ((0, 2), (0,), (0,))
