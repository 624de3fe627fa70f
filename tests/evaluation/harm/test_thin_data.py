"""No groups, one class, one row, an empty or unknown group: what cannot be estimated is NaN with a note."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from efficienttrust.data import Problem, Split
from efficienttrust.evaluation.harm import Answers, Harm, compare
from tests.small_problems import loans


def harm_on(test: Split) -> Harm:
    problem: Problem = replace(loans(), splits={**loans().splits, "test": test})
    margins = np.random.default_rng(0).normal(size=(2, len(test)))
    dense, compressed = (Answers((m > 0).astype(np.int64), m, 1 / (1 + np.exp(-m))) for m in margins)
    return compare(problem, "test", [dense], compressed)


def kept(rows: np.ndarray) -> Split:
    part = loans().splits["test"]
    codes = {name: code[rows] for name, code in part.codes.items()}
    return replace(part, x=part.x[rows], y=part.y[rows], groups=part.groups[rows], codes=codes, rows=part.rows[rows])


def test_one_class_only():
    harm = harm_on(kept(np.flatnonzero(loans().splits["test"].y == 1)))
    assert [effect.n for effect in harm.classes] == [0, harm.n]
    assert np.isnan(harm.classes[0].flips.value)
    assert harm.classes[0].flips.note == "no rows here"


@pytest.mark.parametrize("rows", [1, 2, 9])
def test_few_rows(rows):
    harm = harm_on(kept(np.arange(rows)))
    assert np.isnan(harm.calibration[0].before.value)
    assert np.isnan(harm.tail.correlation)
    assert "a correlation needs 5" in harm.tail.note
    assert f"fewer than 30 rows ({rows})" in harm.overall.error_change.note
    json.dumps(harm.to_dict())


def test_an_empty_group_is_not_compared():
    harm = harm_on(kept(np.flatnonzero(loans().splits["test"].groups == 0)))
    assert [effect.n for effect in harm.partitions[0].groups] == [harm.n, 0]
    assert harm.evenness[0].note == "needs rows of at least 2 groups"
    assert harm.hurt_most.candidates == 1


def test_unknown_groups_are_counted():
    part = loans().splits["test"]
    nobody = np.full(len(part), -1)
    harm = harm_on(replace(part, groups=nobody, codes={"sex": nobody}))
    assert (harm.hurt_most, harm.tail.count, harm.partitions[0].unknown) == (None, 0, len(part))
    assert harm.notes[0].startswith(f"{len(part)} rows have no known group of sex")
