"""The group head recovers known posteriors, and reads no column that an adversary moves where it need not."""

from __future__ import annotations

import numpy as np
import pytest

from efficienttrust.evaluation.group_head import fit_group_head, posterior

N, D = 6000, 5
NO_COLUMN = np.zeros(D, dtype=bool)
FIRST_TWO = np.arange(D) < 2


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
    head = fit_group_head(x, groups, n_groups, NO_COLUMN, seed=0)
    found = posterior(head, x)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    assert np.abs(found - true).mean() < 0.02


def test_it_reads_only_what_cannot_be_moved_when_that_suffices():
    x = rows()
    groups, true = drawn(np.stack([np.zeros(N), 1.5 * x[:, 3]], axis=1))
    weight, bias = fit_group_head(x, groups, 2, FIRST_TWO, seed=0)
    assert np.all(weight[:2] == 0)
    assert np.abs(posterior((weight, bias), x) - true).mean() < 0.03
    moved = x.copy()
    moved[:, :2] += 5
    assert np.array_equal(posterior((weight, bias), moved), posterior((weight, bias), x))


def test_it_reads_movable_columns_when_they_tell_the_group():
    x = rows()
    groups, true = drawn(np.stack([np.zeros(N), 2.0 * x[:, 0]], axis=1))
    weight, bias = fit_group_head(x, groups, 2, FIRST_TWO, seed=0)
    assert np.any(weight[:2] != 0)
    assert np.abs(posterior((weight, bias), x) - true).mean() < 0.03


def test_rows_of_unknown_group_are_left_out():
    x = rows()
    groups, true = drawn(np.stack([np.zeros(N), 2.0 * x[:, 3]], axis=1))
    known = groups.copy()
    known[::2] = -1
    head = fit_group_head(x, known, 2, NO_COLUMN, seed=0)
    assert np.abs(posterior(head, x) - true).mean() < 0.03


def test_a_group_without_rows_gets_no_probability():
    x = rows()
    groups, _ = drawn(np.stack([np.zeros(N), 2.0 * x[:, 3]], axis=1))
    found = posterior(fit_group_head(x, 2 * groups, 3, NO_COLUMN, seed=0), x)
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
    assert fit_group_head(rows(), groups, 2, NO_COLUMN, seed=0) is None


def test_the_seed_decides():
    x = np.concatenate([rows(seed) for seed in range(2)])
    groups = (x[:, 0] + np.random.default_rng(0).normal(size=len(x)) > 0).astype(int)
    one, same, other = (fit_group_head(x, groups, 2, NO_COLUMN, seed=seed)[0] for seed in (0, 0, 1))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
