"""Of clinical data, limits withhold what tells of fewer than ten people; of other data nothing."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pandas as pd
import pytest

from efficienttrust import load_problem
from efficienttrust.data import Problem, dataset_card
from efficienttrust.pipeline.limits import assess, limit_document, question_of
from efficienttrust.pipeline.limits._finding import WITHHELD, smallest_cell

TARGETS = ("accuracy >= 0.99", "dpd <= 0.01")


def problem_with(few: int, *, clinical: bool) -> Problem:
    """Two large groups with different base rates, and one of `few` rows."""
    n = 1200
    generator = np.random.default_rng(0)
    sex = np.array(["a", "b"])[np.arange(n) % 2].astype(object)
    sex[:few] = "c"
    y = (generator.random(n) < np.where(sex == "a", 0.2, 0.6)).astype(int)
    table = pd.DataFrame({"x": generator.normal(size=n) + y, "sex": sex, "y": y})
    problem = load_problem(table, label="y", sensitive="sex")
    card = dataclasses.replace(dataset_card("adult"), clinical=clinical)
    return dataclasses.replace(problem, card=card)


def said(problem: Problem, *, show: bool = False) -> list[str]:
    found = assess(question_of(problem, TARGETS), cheap=True, show_small_cells=show)
    return [finding.sentence for one in found for finding in one.findings]


def test_findings_about_a_small_group_are_withheld_and_verdicts_stay():
    problem = problem_with(20, clinical=True)  # four test rows
    found = assess(question_of(problem, TARGETS), cheap=True)
    assert found[0].verdict == "impossible"
    first = found[0].findings[0]
    assert (first.code, first.sentence) == ("T2", WITHHELD)
    assert math.isnan(float(first.bound))
    assert not first.bound.inputs
    assert first.refuses
    assert "0.2" not in json.dumps([one.record() for one in found]).replace("0.99", "")


def test_who_asks_sees_them():
    problem = problem_with(20, clinical=True)
    assert WITHHELD not in said(problem, show=True)


@pytest.mark.parametrize(("few", "clinical"), [(20, False), (0, True)])
def test_nothing_is_withheld_of_other_data_and_of_large_groups(few, clinical):
    found = said(problem_with(few, clinical=clinical))
    assert found
    assert WITHHELD not in found


def test_no_curve_is_drawn_of_a_small_group():
    question = question_of(problem_with(10, clinical=True), TARGETS)
    limit = limit_document(question.problem, question.targets, aware=False, seed=0)
    assert limit == {"why_not": "it would tell of fewer than ten people"}


def test_the_smallest_cell_counts_groups_or_groups_and_labels():
    codes, labels = np.array([0, 0, 0, 1, 1, -1]), np.array([0, 0, 1, 1, 1, 0])
    assert smallest_cell(codes) == 2
    assert smallest_cell(codes, labels) == 1
    assert smallest_cell(np.array([-1, -1])) is None
