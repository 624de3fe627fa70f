"""For two groups a penalty is the soft gap, value and gradient; the sign comes from the running mean."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from efficienttrust.losses import penalties
from tests.losses.batches import Batch, batch, draw, value_and_gradient


def _rates(of: Batch, keep: torch.Tensor) -> list[float]:
    members = of.membership.bool()
    return [float(of.scores[members[:, g] & keep].mean()) for g in range(members.shape[1])]


def _gap(of: Batch, keep: torch.Tensor) -> float:
    rates = _rates(of, keep)
    return max(rates) - min(rates)


ORACLES: dict[str, Callable[[Batch], float]] = {
    "demographic_parity": lambda of: _gap(of, of.y >= 0),
    "equal_opportunity": lambda of: _gap(of, of.y > 0),
    "equalized_odds": lambda of: 0.5 * (_gap(of, of.y > 0) + _gap(of, of.y < 1)),
}


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("seed", range(3))
def test_value_is_the_gap_of_mean_scores(name: str, seed: int) -> None:
    of = draw(seed, n_groups=2)
    value, gradient = value_and_gradient(penalties.get(name)(), of)
    assert value == pytest.approx(ORACLES[name](of), abs=1e-6)
    # Away from the kink the gradient is that of the gap, by finite differences.
    for row in range(0, 120, 17):
        moved = of.scores.clone()
        moved[row] += 0.01
        slope = (ORACLES[name](Batch(moved, of.y, of.membership)) - ORACLES[name](of)) / 0.01
        assert float(gradient[row]) == pytest.approx(slope, abs=1e-4)


def test_gradient_pushes_the_higher_group_down_and_the_lower_up() -> None:
    of = batch(np.array([0.9, 0.8, 0.2, 0.1, 0.3]), np.ones(5), np.array([0, 0, 1, 1, 1]), 2)
    _, gradient = value_and_gradient(penalties.get("demographic_parity")(), of)
    np.testing.assert_allclose(gradient, [1 / 2, 1 / 2, -1 / 3, -1 / 3, -1 / 3], rtol=1e-6)


@pytest.mark.parametrize("name", penalties.names())
def test_sign_comes_from_the_running_mean_not_from_one_odd_batch(name: str) -> None:
    penalty = penalties.get(name)()
    usual, odd = draw(0, n_groups=2, spread=0.3), draw(1, n_groups=2, spread=-0.1)
    for _ in range(20):
        _, usual_gradient = value_and_gradient(penalty, usual)
    value, gradient = value_and_gradient(penalty, odd)
    assert value < 0  # the batch's gap, signed by the running mean
    assert torch.equal(torch.sign(gradient), torch.sign(usual_gradient))


@pytest.mark.parametrize("name", penalties.names())
def test_small_gap_is_pushed_in_proportion(name: str) -> None:
    steepness = []
    for gap in (0.002, 0.004, 0.2, 0.3):
        groups, y = np.arange(40) % 2, (np.arange(40) // 2) % 2
        of = batch(0.4 + gap * groups, y, groups, 2)
        steepness.append(float(value_and_gradient(penalties.get(name)(), of)[1].abs().sum()))
    assert steepness[1] == pytest.approx(2 * steepness[0], rel=1e-3)
    assert steepness[2] == pytest.approx(steepness[3], rel=1e-3)
    assert steepness[0] < 0.1 * steepness[2]


@pytest.mark.parametrize("rates", [(0.1, 0.5, 0.6), (0.2, 0.2, 0.8, 0.9)])
def test_many_groups_are_compared_with_their_mean(rates: tuple[float, ...]) -> None:
    groups = np.repeat(np.arange(len(rates)), 10)
    of = batch(np.array(rates)[groups], np.ones(len(groups)), groups, len(rates))
    value, _ = value_and_gradient(penalties.get("demographic_parity")(), of)
    assert value == pytest.approx(np.abs(np.array(rates) - np.mean(rates)).sum(), abs=1e-6)


@pytest.mark.parametrize("name", penalties.names())
@pytest.mark.parametrize("n_groups", [2, 3, 5])
def test_descent_closes_the_gap(name: str, n_groups: int) -> None:
    of, penalty = draw(2, n_groups=n_groups, spread=0.1), penalties.get(name)()
    first, _ = value_and_gradient(penalties.get(name)(), of)
    scores = of.scores.clone()
    for _ in range(300):
        _, gradient = value_and_gradient(penalty, Batch(scores, of.y, of.membership))
        scores -= 0.15 * gradient
    last, _ = value_and_gradient(penalties.get(name)(), Batch(scores, of.y, of.membership))
    assert abs(last) < 0.02 * first
