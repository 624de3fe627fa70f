"""Where a few columns count things, every allowed point can be tried: it bounds all attacks; the strong are near."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from efficienttrust.data import Domain
from efficienttrust.threats import attacks, run_attack
from tests.threats.worlds import NetworkVictim, World, attack_all, attack_of, every_attack, signed_margin

STRONG = ("apgd_ce", "coordinate", "pgd")
EPS = 2.0 / 3.0  # two units of every column
SEEDS = range(4)


def counting_world(seed: int, n: int = 60) -> World:
    rng = np.random.default_rng(seed)
    scale = 3.0
    raw = rng.integers(0, 12, size=(n, 3))
    x = np.concatenate([(raw - 5.0) / scale, np.eye(2)[rng.integers(0, 2, n)]], axis=1).astype(np.float32)
    edge = np.array([-5.0, 6.0], dtype=np.float32) / np.float32(scale)
    domain = Domain(
        lower=np.full(3, edge[0]),
        upper=np.full(3, edge[1]),
        step=np.full(3, 1 / scale, dtype=np.float32),
        mutable=np.ones(3, dtype=bool),
        indicator=np.full(3, -1, dtype=np.int64),
        blocks=((3, 5),),
        n_features=5,
    )
    y = torch.from_numpy(rng.integers(0, 2, n).astype(np.int8))
    return World(domain, torch.from_numpy(x), y, np.full(3, 5.0), np.full(3, scale), np.zeros((n, 3), dtype=bool))


def brute_force(world: World, victim: NetworkVictim) -> torch.Tensor:
    """Return the lowest margin of each row over all allowed points, enumerated in raw units."""
    raw = np.round(world.raw(world.x[:, :3]))
    margin = signed_margin(victim, world)
    worst = torch.full((len(raw),), torch.inf)
    for shift in itertools.product(range(-2, 3), repeat=3):
        moved = raw + np.array(shift)
        allowed = torch.from_numpy(((moved >= 0) & (moved <= 11)).all(1))
        points = torch.from_numpy(((moved - 5.0) / 3.0).astype(np.float32))
        with torch.no_grad():
            found = margin(points)
        worst = torch.where(allowed & (found < worst), found, worst)
    return worst


@every_attack
@pytest.mark.parametrize("seed", SEEDS)
def test_no_attack_beats_all_allowed_points(name: str, seed: int) -> None:
    world = counting_world(seed)
    victim = NetworkVictim(world, seed)
    found = attack_all(attack_of(name), victim, world, EPS)
    assert float((brute_force(world, victim) - found.margin).max()) < 1e-4


@pytest.mark.parametrize("name", STRONG)
@pytest.mark.parametrize("seed", SEEDS)
def test_strong_attacks_are_near(name: str, seed: int) -> None:
    world = counting_world(seed)
    victim = NetworkVictim(world, seed)
    with torch.no_grad():
        clean = signed_margin(victim, world)(world.x[:, :3])
    worst = brute_force(world, victim)
    attack, generator = attacks.get(name), torch.Generator().manual_seed(0)
    # As it is used: on rows that are right, with restarts; a row is left alone once it is fooled.
    found = run_attack(attack, victim, world.reach(EPS), world.y, generator, restarts=5).margin
    right = clean > 0
    stands = right & (worst > 0)
    reached = float(((clean - found)[stands] / (clean - worst)[stands].clamp(min=1e-6)).mean())
    assert reached > 0.9
    assert float(((found > 0) == (worst > 0))[right].float().mean()) > 0.9
