"""The group head recovers known posteriors, and reads no column that an adversary moves when one is expected."""

from __future__ import annotations

import numpy as np
import pytest

from efficienttrust.data import load_problem
from efficienttrust.evaluation.group_head import fit_group_head, head_of, posterior

N, D = 6000, 5
EVERY_COLUMN = np.ones(D, dtype=bool)
BUT_THE_FIRST_TWO = np.arange(D) >= 2


def rows(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(N, D)).astype(np.float32)


def drawn(logits: np.ndarray, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return groups drawn from softmax(logits), and that softmax."""
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    cumulated = true.cumsum(axis=1)
    return (np.random.default_rng(seed).random((N, 1)) > cumulated).sum(axis=1).clip(max=true.shape[1] - 1), true


@pytest.mark.parametrize("n_groups", [2, 4])
def test_it_recovers_a_known_posterior(n_groups):
    x = rows()
    weights = np.random.default_rng(2).normal(size=(D, n_groups))
    groups, true = drawn(x @ weights)
    head = fit_group_head(x, groups, n_groups, EVERY_COLUMN, seed=0)
    found = posterior(head, x)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    assert np.abs(found - true).mean() < 0.02


def test_it_reads_only_what_it_may():
    x = rows()
    groups, _ = drawn(np.stack([np.zeros(N), 1.5 * x[:, 3] + 2.0 * x[:, 0]], axis=1))
    weight, bias = fit_group_head(x, groups, 2, BUT_THE_FIRST_TWO, seed=0)
    assert np.all(weight[:2] == 0)
    assert np.any(weight[2:] != 0)
    moved = x.copy()
    moved[:, :2] += 5
    assert np.array_equal(posterior((weight, bias), moved), posterior((weight, bias), x))


def test_no_readable_column_makes_no_head():
    x = rows()
    groups, _ = drawn(np.stack([np.zeros(N), 2.0 * x[:, 3]], axis=1))
    assert fit_group_head(x, groups, 2, ~EVERY_COLUMN, seed=0) is None


def test_with_a_robustness_target_it_reads_nothing_that_an_adversary_can_move():
    problem = load_problem("compas", seed=0)
    p = len(problem.domain.mutable)
    assert problem.domain.mutable.all()
    robust, free = (head_of(problem, robust=robust, seed=0) for robust in (True, False))
    assert np.all(robust[0][:p] == 0)
    assert np.any(free[0][:p] != 0)


def test_rows_of_unknown_group_are_left_out():
    x = rows()
    groups, true = drawn(np.stack([np.zeros(N), 2.0 * x[:, 3]], axis=1))
    known = groups.copy()
    known[::2] = -1
    head = fit_group_head(x, known, 2, EVERY_COLUMN, seed=0)
    assert np.abs(posterior(head, x) - true).mean() < 0.03


def test_a_group_without_rows_gets_no_probability():
    x = rows()
    groups, _ = drawn(np.stack([np.zeros(N), 2.0 * x[:, 3]], axis=1))
    found = posterior(fit_group_head(x, 2 * groups, 3, EVERY_COLUMN, seed=0), x)
    assert found[:, 1].max() < 1e-6


@pytest.mark.parametrize(
    "groups",
    [
        np.zeros(N, int),
        np.full(N, -1),
        np.where(np.arange(N) == 7, 1, 0),
        np.where(np.arange(N) < 10, np.arange(N) % 2, -1),
    ],
    ids=["one group", "none known", "one row of the other", "ten rows"],
)
def test_too_little_to_learn_from_makes_no_head(groups):
    assert fit_group_head(rows(), groups, 2, EVERY_COLUMN, seed=0) is None


def test_the_seed_decides():
    x = np.concatenate([rows(seed) for seed in range(2)])
    groups = (x[:, 0] + np.random.default_rng(0).normal(size=len(x)) > 0).astype(int)
    one, same, other = (fit_group_head(x, groups, 2, EVERY_COLUMN, seed=seed)[0] for seed in (0, 0, 1))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
