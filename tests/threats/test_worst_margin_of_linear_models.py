"""A linear model's worst margin has a closed form: margin − Σ |w_j| × allowed reach, which no attack may beat."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.threats.worlds import LinearVictim, World, attack_all, attack_of, draw, every_attack, signed_margin

EXACT = ("apgd_ce", "apgd_dlr", "apgd_t", "coordinate", "fgsm", "pgd")
"""Attacks that must find the worst point of a linear model."""


def worst_margin(world: World, w: np.ndarray, clean: np.ndarray, eps: float) -> np.ndarray:
    """Compute the closed form cell by cell in float64, from raw units, without any code under test."""
    domain, x, y = world.domain, world.x.numpy().astype(np.float64), world.y.numpy()
    worst = clean.astype(np.float64)
    for i in range(len(y)):
        for j in range(world.p):
            if not domain.mutable[j] or world.missing[i, j]:
                continue
            falls = (w[j] > 0) == (y[i] > 0)
            room = x[i, j] - domain.lower[j] if falls else domain.upper[j] - x[i, j]
            allowed = min(max(room, 0.0), eps)
            if domain.step[j] > 0:
                allowed = np.floor(allowed * world.scale[j] + 1e-3) / world.scale[j]
            worst[i] -= abs(w[j]) * allowed
    return worst


def linear_case(seed: int, eps: float) -> tuple[World, LinearVictim, np.ndarray]:
    world, rng = draw(seed), np.random.default_rng(seed)
    # An eps that falls short of a whole unit by a hair may or may not reach it; `test_reach.py` looks at that edge.
    assume(((eps * world.scale) % 1 < 0.998).all())
    w = rng.normal(size=world.p).astype(np.float32)
    victim = LinearVictim(torch.from_numpy(w), torch.from_numpy(rng.normal(size=len(world.y)).astype(np.float32)))
    clean = signed_margin(victim, world)(world.x[:, : world.p]).numpy()
    return world, victim, worst_margin(world, w, clean, eps)


@pytest.mark.parametrize("name", EXACT)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), eps=st.floats(0.0, 2.0))
def test_worst_margin_is_reached(name: str, seed: int, eps: float) -> None:
    world, victim, worst = linear_case(seed, eps)
    found = attack_all(attack_of(name), victim, world, eps)
    np.testing.assert_allclose(found.margin.numpy(), worst, atol=2e-3)


@every_attack
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), eps=st.floats(0.0, 2.0))
def test_worst_margin_is_never_beaten(name: str, seed: int, eps: float) -> None:
    world, victim, worst = linear_case(seed, eps)
    found = attack_all(attack_of(name), victim, world, eps)
    assert float((torch.from_numpy(worst) - found.margin).max()) < 2e-3
