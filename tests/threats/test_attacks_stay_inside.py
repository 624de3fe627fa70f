"""What any attack returns is a row that could exist: inside the box, in whole units, frozen cells untouched."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from efficienttrust.threats import run_attack
from efficienttrust.threats.catalogue.pgd import SHORT_PGD
from tests.threats.worlds import NetworkVictim, World, attack_all, attack_of, draw, every_attack, signed_margin


def assert_inside(world: World, numeric: torch.Tensor, eps: float) -> None:
    origin, domain = world.x[:, : world.p], world.domain
    shift = (numeric - origin).numpy()
    frozen = world.missing | ~domain.mutable[None, :]
    np.testing.assert_array_equal(shift[frozen], 0.0)
    assert np.abs(shift).max(initial=0.0) <= eps + 1e-4
    # A row outside the range seen in training may stay where it is, but never move further out.
    assert (numeric.numpy() >= np.minimum(origin.numpy(), domain.lower) - 1e-4).all()
    assert (numeric.numpy() <= np.maximum(origin.numpy(), domain.upper) + 1e-4).all()
    counting = domain.step > 0
    raw = world.raw(numeric)[:, counting]
    np.testing.assert_allclose(raw, np.round(raw), atol=2e-3)


@every_attack
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), eps=st.floats(0.0, 3.0))
def test_result_is_an_allowed_row(name: str, seed: int, eps: float) -> None:
    world = draw(seed)
    found = attack_all(attack_of(name), NetworkVictim(world, seed), world, eps)
    assert_inside(world, found.numeric, eps)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), eps=st.floats(0.0, 3.0))
def test_short_pgd_returns_allowed_rows_never_better_than_the_clean_one(seed: int, eps: float) -> None:
    world = draw(seed)
    victim = NetworkVictim(world, seed)
    found = attack_all(SHORT_PGD, victim, world, eps)
    assert_inside(world, found.numeric, eps)
    with torch.no_grad():
        assert bool((found.margin <= signed_margin(victim, world)(world.x[:, : world.p])).all())


@every_attack
@pytest.mark.parametrize("seed", range(3))
def test_reported_margin_is_that_of_the_returned_row(name: str, seed: int) -> None:
    world = draw(seed)
    victim = NetworkVictim(world, seed)
    once = attack_all(attack_of(name), victim, world, 0.7)
    survivors = run_attack(attack_of(name), victim, world.reach(0.7), world.y, torch.Generator().manual_seed(0))
    for found in ((once.numeric, once.margin), (survivors.points, survivors.margin)):
        with torch.no_grad():
            expected = signed_margin(victim, world)(found[0])
        torch.testing.assert_close(found[1], expected, rtol=1e-4, atol=1e-5)


@every_attack
@pytest.mark.parametrize("seed", range(3))
def test_eps_zero_is_the_clean_row(name: str, seed: int) -> None:
    world = draw(seed)
    victim = NetworkVictim(world, seed)
    with torch.no_grad():
        clean = signed_margin(victim, world)(world.x[:, : world.p])
    found = attack_all(attack_of(name), victim, world, 0.0)
    assert torch.equal(found.numeric, world.x[:, : world.p])
    assert torch.equal(found.margin, clean)


@every_attack
def test_table_without_numeric_columns_is_left_clean(name: str) -> None:
    world = draw(0, p=0)
    victim = NetworkVictim(world)
    found = run_attack(attack_of(name), victim, world.reach(0.5), world.y, torch.Generator().manual_seed(0))
    assert found.points.shape == (len(world.y), 0)
    with torch.no_grad():
        torch.testing.assert_close(found.margin, signed_margin(victim, world)(found.points))


@every_attack
def test_no_rows(name: str) -> None:
    world = draw(0)
    none = torch.arange(0)
    found = run_attack(
        attack_of(name), NetworkVictim(world), world.reach(0.5).rows(none), world.y[none], torch.Generator()
    )
    assert found.points.shape == (0, world.p)
    assert found.margin.shape == (0,)
