"""Rows are those of the problem: same encoding, labels and groups, in the order of the source, whatever is taken."""

from __future__ import annotations

import numpy as np
import pytest

from efficienttrust.data import SPLITS
from efficienttrust.evaluation.subjects import image_rows, table_rows
from tests.small_problems import german, loans, weighted_loans


@pytest.mark.parametrize("make", [german, loans, weighted_loans])
def test_the_test_split(make):
    problem, part = make(), make().splits["test"]
    rows = table_rows(problem, "test")
    assert np.array_equal(rows.x, part.x)
    assert np.array_equal(rows.y, part.y)
    assert np.array_equal(rows.groups, part.groups)
    assert np.array_equal(rows.row, part.rows)
    assert (rows.weight is None) == (part.weight is None)
    assert rows.weight is None or np.array_equal(rows.weight, part.weight)
    assert problem.label not in rows.inputs.columns


def test_all_rows_stand_in_the_order_of_the_source():
    problem = german()
    rows = table_rows(problem, "all")
    assert np.array_equal(rows.row, np.arange(1000))
    assert len(rows) == sum(len(problem.splits[name]) for name in SPLITS)
    test = problem.splits["test"]
    assert np.array_equal(rows.take(test.rows).x, test.x)
    assert np.array_equal(rows.take(test.rows).attributes["sex"][0], test.codes["sex"])


def test_columns_that_a_problem_leaves_out_are_there_for_a_foreign_model():
    problem = german()
    left_out = set(table_rows(problem, "test").inputs.columns) - set(problem.inputs.columns)
    assert "sex" in table_rows(problem, "test").inputs.columns
    assert problem.label not in left_out


def test_images(tmp_path):
    from foreign_models import IMAGES, pictures

    rows = pictures(tmp_path)
    assert rows.task == "multiclass"
    assert rows.x.dtype == np.float32
    assert np.array_equal(np.rint(rows.x * 255), IMAGES)
    assert np.array_equal(rows.take(np.array([3, 1])).inputs, IMAGES[[3, 1]])
    assert image_rows(rows.source).which == "all rows"
