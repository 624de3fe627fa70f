"""Declared relations between columns hold at every point an attack returns, and L2 balls are balls on tables too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from efficienttrust.threats import Reach, evaluate_robustness, reach, run_attack
from efficienttrust.threats._relations import EncodedRelations
from tests.threats.worlds import SINGLE, NetworkVictim, World, attack_of, draw


def related(world: World, eps: float, *, equal: bool = False, norm: str = "linf") -> Reach:
    """Ask for x_1 <= x_2 + .5 in encoded units and, if asked, for x_1 + x_5 as it was."""
    coefficients = np.zeros((2 if equal else 1, world.p), dtype=np.float32)
    coefficients[0, [1, 2]] = 1.0, -1.0
    if equal:
        coefficients[1, [1, 5]] = 1.0
    bounds = np.array([0.5, 0.0][: len(coefficients)], dtype=np.float32)
    relations = (coefficients, bounds, np.array([False, True][: len(coefficients)]))
    return reach(replace(world.domain, relations=relations), world.x, eps, norm)


@pytest.mark.parametrize("name", SINGLE)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), eps=st.floats(0.01, 1.5), equal=st.booleans())
def test_what_held_still_holds(name: str, seed: int, eps: float, equal: bool) -> None:
    world = draw(seed)
    found = run_attack(attack_of(name), NetworkVictim(world, seed), related(world, eps, equal=equal), world.y,
                       torch.Generator().manual_seed(0))  # fmt: skip
    clean, moved = world.x[:, : world.p], found.points
    known = torch.from_numpy(~world.missing)
    before, after = clean[:, 1] - clean[:, 2], moved[:, 1] - moved[:, 2]
    kept = after <= torch.maximum(before, torch.tensor(0.5)) + 1e-3
    assert bool(kept[known[:, 1] & known[:, 2]].all())
    if equal:
        drift = (moved[:, 1] + moved[:, 5] - clean[:, 1] - clean[:, 5]).abs()
        assert float(drift[known[:, 1]].max()) < 1e-3
    assert float((moved - clean).abs().max()) <= eps + 1e-4


@pytest.mark.parametrize("seed", range(3))
def test_relations_only_ever_protect(seed: int) -> None:
    world = draw(seed, n=150)
    victim = NetworkVictim(world, seed)
    free = evaluate_robustness(victim, world.reach(0.6), world.y, attack="standard")
    bound = evaluate_robustness(victim, related(world, 0.6), world.y, attack="standard")
    assert bound.accuracy >= free.accuracy - 1e-6
    assert bound.accuracy < bound.clean_right.float().mean()  # yet rows still fall


@pytest.mark.parametrize("name", SINGLE)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), eps=st.floats(0.01, 2.0))
def test_an_l2_ball_holds(name: str, seed: int, eps: float) -> None:
    world = draw(seed)
    found = run_attack(attack_of(name), NetworkVictim(world, seed), world.reach(eps, "l2"), world.y,
                       torch.Generator().manual_seed(0))  # fmt: skip
    shift = found.points - world.x[:, : world.p]
    assert bool((shift.norm(dim=1) <= eps + 1e-4).all())
    counting = world.domain.step > 0
    raw = world.raw(found.points)[:, counting]
    torch.testing.assert_close(torch.from_numpy(raw), torch.from_numpy(raw.round()), atol=2e-3, rtol=0)


def test_l2_is_weaker_than_linf_of_the_same_radius() -> None:
    world = draw(1, n=150)
    victim = NetworkVictim(world, 1)
    cube = evaluate_robustness(victim, world.reach(0.5), world.y, attack="standard")
    sphere = evaluate_robustness(victim, world.reach(0.5, "l2"), world.y, attack="standard")
    assert cube.accuracy < sphere.accuracy < float(sphere.clean_right.float().mean())


@pytest.mark.parametrize("pairs", [[(0, 1), (0, 1)], [(0, 1), (1, 2), (0, 2)]], ids=["twice the same", "follows"])
def test_equations_that_follow_from_others_hold_too(pairs: list[tuple[int, int]]) -> None:
    equal, generator = torch.zeros(len(pairs), 3), torch.Generator().manual_seed(0)
    for row, (plus, minus) in enumerate(pairs):
        equal[row, plus], equal[row, minus] = 0.5**0.5, -(0.5**0.5)
    nothing, everything = torch.zeros(20, 3), torch.ones(20, 3)
    relations = EncodedRelations.around(
        nothing, everything, nothing, equal, torch.zeros(len(pairs)), torch.ones(len(pairs), dtype=torch.bool)
    )
    shift = relations.project(torch.randn(20, 3, generator=generator), everything, everything)
    assert bool(relations.hold(shift).all())
    assert float(shift.abs().amin(0).max()) > 0
