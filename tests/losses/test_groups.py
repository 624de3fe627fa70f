"""What a penalty makes of its groups: identical, renumbered, absent from the batch, unknown."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from efficienttrust.losses import penalties
from tests.losses.batches import Batch, batch, draw, value_and_gradient

every_penalty = pytest.mark.parametrize("name", penalties.names())
any_number_of_groups = pytest.mark.parametrize("n_groups", [2, 3, 6])


@every_penalty
@any_number_of_groups
def test_identical_groups_cost_nothing(name: str, n_groups: int) -> None:
    n = 40
    scores, y = np.tile(np.linspace(0.05, 0.95, n), n_groups), np.tile(np.arange(n) % 2, n_groups)
    of = batch(scores, y, np.repeat(np.arange(n_groups), n), n_groups)
    value, gradient = value_and_gradient(penalties.get(name)(), of)
    assert value == pytest.approx(0.0, abs=1e-6)
    assert float(gradient.abs().max()) < 1e-5


@every_penalty
def test_identical_groups_cost_nothing_even_when_the_running_mean_differs(name: str) -> None:
    penalty = penalties.get(name)()
    value_and_gradient(penalty, draw(0, n_groups=2))
    of = batch(np.full(40, 0.5), (np.arange(40) // 2) % 2, np.arange(40) % 2, 2)
    assert value_and_gradient(penalty, of)[0] == pytest.approx(0.0, abs=1e-6)


@every_penalty
@any_number_of_groups
def test_numbering_of_groups_does_not_matter(name: str, n_groups: int) -> None:
    order = torch.from_numpy(np.random.default_rng(0).permutation(n_groups))
    first, second = penalties.get(name)(), penalties.get(name)()
    for seed in range(4):
        of = draw(seed, n_groups=n_groups)
        value, gradient = value_and_gradient(first, of)
        other_value, other_gradient = value_and_gradient(second, Batch(of.scores, of.y, of.membership[:, order]))
        assert value == pytest.approx(other_value, abs=1e-6)
        torch.testing.assert_close(gradient, other_gradient, rtol=1e-5, atol=1e-7)


@every_penalty
def test_order_of_rows_does_not_matter(name: str) -> None:
    of, order = draw(0), torch.from_numpy(np.random.default_rng(0).permutation(120))
    value, gradient = value_and_gradient(penalties.get(name)(), of)
    shuffled = Batch(of.scores[order], of.y[order], of.membership[order])
    other_value, other_gradient = value_and_gradient(penalties.get(name)(), shuffled)
    assert value == pytest.approx(other_value, abs=1e-6)
    torch.testing.assert_close(gradient[order], other_gradient, rtol=1e-5, atol=1e-7)


@every_penalty
def test_group_absent_from_a_batch_adds_its_running_mean_and_no_gradient(name: str) -> None:
    penalty, of = penalties.get(name)(), draw(0)
    whole, _ = value_and_gradient(penalty, of)
    present = of.membership[:, 2] == 0
    value, gradient = value_and_gradient(penalty, Batch(of.scores[present], of.y[present], of.membership[present]))
    assert np.isfinite(value)
    assert bool(gradient.isfinite().all())
    assert value == pytest.approx(whole, abs=1e-5)  # the same rates, one of them remembered


@every_penalty
def test_group_never_seen_is_as_if_it_did_not_exist(name: str) -> None:
    of = draw(0, n_groups=2)
    wider = Batch(of.scores, of.y, torch.cat([of.membership, torch.zeros(120, 1)], dim=1))
    value, gradient = value_and_gradient(penalties.get(name)(), of)
    wider_value, wider_gradient = value_and_gradient(penalties.get(name)(), wider)
    assert value == pytest.approx(wider_value, abs=1e-6)
    torch.testing.assert_close(gradient, wider_gradient, rtol=1e-5, atol=1e-7)


@every_penalty
def test_group_seen_late_joins(name: str) -> None:
    penalty, of = penalties.get(name)(), draw(0)
    early = of.membership[:, 2] == 0
    value_and_gradient(penalty, Batch(of.scores[early], of.y[early], of.membership[early]))
    value, _ = value_and_gradient(penalty, of)
    assert value == pytest.approx(value_and_gradient(penalties.get(name)(), of)[0], abs=1e-5)


@every_penalty
@pytest.mark.parametrize("label", [0, 1])
def test_batch_of_one_label_and_one_group_gives_no_nan(name: str, label: int) -> None:
    of = batch(np.linspace(0.1, 0.9, 8), np.full(8, label), np.zeros(8, dtype=int), 3)
    value, gradient = value_and_gradient(penalties.get(name)(), of)
    assert value == 0.0
    assert bool((gradient == 0).all())


@every_penalty
def test_rows_of_unknown_group_have_no_influence(name: str) -> None:
    rng, of = np.random.default_rng(0), draw(0)
    unknown = batch(rng.uniform(size=30), np.arange(30) % 2, np.full(30, -1), 3)
    mixed = Batch(*(torch.cat([getattr(of, k), getattr(unknown, k)]) for k in ("scores", "y", "membership")))
    with_unknown, without = penalties.get(name)(), penalties.get(name)()
    for _ in range(2):
        value, gradient = value_and_gradient(without, of)
        mixed_value, mixed_gradient = value_and_gradient(with_unknown, mixed)
        assert value == pytest.approx(mixed_value, abs=1e-6)
        torch.testing.assert_close(gradient, mixed_gradient[:120], rtol=1e-5, atol=1e-7)
        assert bool((mixed_gradient[120:] == 0).all())


@every_penalty
def test_batch_of_unknown_rows_only_costs_nothing(name: str) -> None:
    unknown = batch(np.linspace(0.1, 0.9, 30), np.arange(30) % 2, np.full(30, -1), 3)
    value, gradient = value_and_gradient(penalties.get(name)(), unknown)
    assert value == 0.0
    assert bool((gradient == 0).all())
