"""Balanced distillation: every group and class that is present weighs the same, whatever the groups are called."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from efficienttrust.errors import UsageError
from efficienttrust.training.distillation._teaching import Teaching, balance_of, refuse_unsuited
from tests.small_problems import loans, weighted_loans
from tests.training.distillation.cases import distilled, problem_of, teacher_of

CPU = torch.device("cpu")


@given(st.lists(st.tuples(st.integers(-1, 4), st.floats(0.1, 5)), min_size=1, max_size=60))
def test_cells_weigh_the_same_and_the_mean_is_1(rows):
    cells, weight = np.array([cell for cell, _ in rows]), np.array([one for _, one in rows])
    counted = weight * balance_of(cells, weight)
    masses = [counted[cells == cell].sum() for cell in np.unique(cells)]
    np.testing.assert_allclose(masses, masses[0])
    assert counted.sum() / weight.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("make", [loans, weighted_loans])
def test_groups_and_classes_of_a_problem_count_the_same(make):
    problem = make()
    train = problem.splits["train"]
    counted = Teaching(
        distilled(teacher_of(problem), balanced=True), problem, None, CPU, attacked=False
    ).counted.numpy()
    assert counted.mean() == pytest.approx(1.0, rel=1e-5)
    cells = [(train.groups == group) & (train.y == y) for group in np.unique(train.groups) for y in (0, 1)]
    np.testing.assert_allclose([counted[cell].sum() for cell in cells], len(train) / len(cells), rtol=1e-4)


def test_the_names_of_groups_change_nothing():
    problem = loans(sensitive="region")
    train = problem.splits["train"]
    renamed = replace(
        problem, splits={**problem.splits, "train": replace(train, groups=np.array([2, 0, 1])[train.groups])}
    )
    distillation = distilled(teacher_of(problem), balanced=True)
    one, other = (Teaching(distillation, made, None, CPU, attacked=False).counted for made in (problem, renamed))
    torch.testing.assert_close(one, other)
    assert one.std() > 0.1


def test_numbers_without_groups_have_nothing_to_balance():
    problem = problem_of("regression")
    train = problem.splits["train"]
    unknown = replace(train, groups=np.full_like(train.groups, -1))
    lonely = replace(problem, splits={**problem.splits, "train": unknown})
    distillation = distilled(teacher_of(problem, "linear"), balanced=True)
    refuse_unsuited(distillation, problem, attacked=False)
    with pytest.raises(UsageError, match="balanced"):
        refuse_unsuited(distillation, lonely, attacked=False)
