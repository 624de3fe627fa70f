"""A proven row cannot be fooled: the bound is below every margin in the box, and exact where the model is linear."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from efficienttrust.threats import evaluate_robustness, lower_margins
from tests.threats.worlds import NetworkVictim, draw


def layers(seed: int, widths: tuple[int, ...], p: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    sizes = (p, *widths, 1)
    return [
        (torch.randn(a, b, generator=generator), torch.randn(b, generator=generator))
        for a, b in itertools.pairwise(sizes)
    ]


def logit(network: list[tuple[torch.Tensor, torch.Tensor]], x: torch.Tensor) -> torch.Tensor:
    for index, (weight, bias) in enumerate(network):
        x = (x.relu() if index else x) @ weight + bias
    return x.squeeze(1)


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 10_000), widths=st.sampled_from([(), (5,), (12, 6), (8, 8, 4)]), p=st.integers(1, 5),
    half=st.floats(0.0, 1.0),
)  # fmt: skip
def test_no_point_of_the_box_is_below_the_bound(seed: int, widths: tuple[int, ...], p: int, half: float) -> None:
    network, generator = layers(seed, widths, p), torch.Generator().manual_seed(seed + 1)
    x, sign = torch.randn(20, p, generator=generator), 2.0 * torch.randint(0, 2, (20,), generator=generator) - 1.0
    fixed = network[0][1].expand(20, -1)
    bound = lower_margins(network[0][0], fixed, network[1:], x - half, x + half, sign)
    places = torch.rand(100, 20, p, generator=generator) * 2 - 1
    places[:50] = places[:50].sign()  # corners
    for place in places:
        margin = sign * logit(network, x + half * place)
        assert bool((bound <= margin + 1e-5).all())
    if not widths:
        worst = sign * logit(network, x) - half * network[0][0].abs().sum()
        torch.testing.assert_close(bound, worst, atol=2e-3, rtol=1e-3)
    if half == 0.0:
        torch.testing.assert_close(bound, sign * logit(network, x), atol=2e-3, rtol=1e-3)


class Proving(NetworkVictim):
    """A network that offers the bound as well."""

    def lower_margin(self, rows: torch.Tensor, region: object, y: torch.Tensor) -> torch.Tensor:
        weights = [(layer.weight.t().detach(), layer.bias.detach()) for layer in self.network._layers]
        x, p = self._world.x[rows], self._world.p
        fixed = x[:, p:] @ weights[0][0][p:] + weights[0][1]
        low, high = region.origin - region.down, region.origin + region.up
        return lower_margins(weights[0][0][:p], fixed, weights[1:], low, high, (2 * y - 1).float())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("eps", [0.05, 0.2])
def test_what_is_proven_is_not_attacked_and_would_not_fall(seed: int, eps: float) -> None:
    world = draw(seed, n=200)
    proving, plain = Proving(world, seed), NetworkVictim(world, seed)
    found = evaluate_robustness(proving, world.reach(eps), world.y, attack="standard")
    other = evaluate_robustness(plain, world.reach(eps), world.y, attack="standard")
    assert bool(found.proven.any())
    assert not bool(other.proven.any())
    assert bool(other.right[found.proven].all())
    assert torch.equal(found.right, other.right)
    assert found.stages[1].attacked == int((found.clean_right & ~found.proven).sum())
    assert found.proven_accuracy <= found.accuracy
