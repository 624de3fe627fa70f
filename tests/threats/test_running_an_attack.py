"""`run_attack` on many rows: their order, chunks and restarts change nothing for the worse."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from efficienttrust.errors import UsageError
from efficienttrust.threats import Attacked, Reach, attacks, run_attack
from efficienttrust.threats import _attack as searches
from efficienttrust.threats import _descent as descent
from tests.threats.worlds import (
    DETERMINISTIC,
    SINGLE,
    NetworkVictim,
    World,
    attack_of,
    draw,
    every_attack,
    signed_margin,
)

EPS = 0.8


def run(name: str, world: World, *, restarts: int = 1, seed: int = 0) -> Attacked:
    generator = torch.Generator().manual_seed(seed)
    return run_attack(attack_of(name), NetworkVictim(world), world.reach(EPS), world.y, generator, restarts=restarts)


def clean_margin(world: World) -> Tensor:
    with torch.no_grad():
        return signed_margin(NetworkVictim(world), world)(world.x[:, : world.p])


def test_known_deterministic_attacks_are_recognised() -> None:
    assert {"coordinate", "fgsm"} <= set(DETERMINISTIC)
    assert not {"pgd", "n_fgsm"} & set(DETERMINISTIC)


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_permuting_rows_permutes_results(name: str) -> None:
    world = draw(0)
    order = torch.from_numpy(np.random.default_rng(1).permutation(len(world.y)))
    shuffled = World(
        world.domain, world.x[order], world.y[order], world.mean, world.scale, world.missing[order.numpy()]
    )
    found, other = run(name, world), run(name, shuffled)
    torch.testing.assert_close(other.margin, found.margin[order], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(other.points, found.points[order])


@pytest.mark.parametrize("name", DETERMINISTIC)
@pytest.mark.parametrize("chunk", [1, 7, 40])
def test_chunks_do_not_show(name: str, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    world = draw(0)
    whole = run(name, world)
    monkeypatch.setattr(searches, "CHUNK", chunk)
    monkeypatch.setattr(descent, "MOST_ROWS", chunk)
    parts = run(name, world)
    torch.testing.assert_close(parts.margin, whole.margin, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(parts.points, whole.points)


@every_attack
@pytest.mark.parametrize("chunk", [1, 7])
def test_every_row_of_every_chunk_is_attacked(name: str, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    world = draw(0)
    monkeypatch.setattr(searches, "CHUNK", chunk)
    monkeypatch.setattr(descent, "MOST_ROWS", chunk)
    found, right = run(name, world, restarts=3), clean_margin(world) > 0
    movable = (world.reach(EPS).radius > 0).any(1)
    moved = (found.points != world.x[:, : world.p]).any(1)
    assert float(moved[right & movable].float().mean()) > 0.7


@every_attack
def test_same_seed_same_result(name: str) -> None:
    first, second = run(name, draw(0), restarts=3, seed=4), run(name, draw(0), restarts=3, seed=4)
    assert torch.equal(first.margin, second.margin)
    assert torch.equal(first.points, second.points)


@every_attack
@pytest.mark.parametrize("seed", range(4))
def test_restarts_never_make_it_worse(name: str, seed: int) -> None:
    world = draw(seed)
    found = [run(name, world, restarts=restarts, seed=seed).margin for restarts in (1, 2, 5)]
    assert bool((found[0] <= clean_margin(world)).all())
    assert bool((found[1] <= found[0]).all())
    # From the second restart on the stream of random numbers depends on who survived, so only a row's fate is compared.
    assert int((found[2] > 0).sum()) <= int((found[1] > 0).sum())


@every_attack
def test_rows_that_are_wrong_already_are_left_alone(name: str) -> None:
    world, found = draw(0), run(name, draw(0), restarts=2)
    wrong = clean_margin(world) <= 0
    assert bool(wrong.any())
    assert torch.equal(found.points[wrong], world.x[wrong, : world.p])
    torch.testing.assert_close(found.margin[wrong], clean_margin(world)[wrong])


@pytest.mark.parametrize("name", [name for name in SINGLE if not attacks.get(name).needs_gradient])
def test_black_box_attacks_need_no_gradient(name: str) -> None:
    world = draw(0)
    network = NetworkVictim(world)

    class Opaque:
        differentiable = False

        def bind(self, rows: Tensor) -> Callable[[Tensor], Tensor]:
            score = network.bind(rows)
            return lambda numeric: torch.from_numpy(score(numeric).detach().numpy().copy())

    found, again = (
        run_attack(attack_of(name), victim, world.reach(EPS), world.y, torch.Generator().manual_seed(0))
        for victim in (Opaque(), network)
    )
    torch.testing.assert_close(found.margin, again.margin)


@every_attack
def test_victim_and_reach_are_not_written_to(name: str) -> None:
    world, victim = draw(0), NetworkVictim(draw(0))
    where = world.reach(EPS)
    kept = Reach(where.origin.clone(), where.down.clone(), where.up.clone(), where.step.clone())
    weights = [parameter.detach().clone() for parameter in victim.network.parameters()]
    run_attack(attack_of(name), victim, where, world.y, torch.Generator(), restarts=2)
    for part in ("origin", "down", "up", "step"):
        assert torch.equal(getattr(where, part), getattr(kept, part))
    for parameter, before in zip(victim.network.parameters(), weights, strict=True):
        assert torch.equal(parameter.detach(), before)
        assert parameter.grad is None


@every_attack
def test_every_attack_says_what_it_is(name: str) -> None:
    attack = attack_of(name)
    assert attack.name == name
    assert len(attack.definition) > 10


def test_unknown_attack_is_named_with_a_suggestion() -> None:
    with pytest.raises(UsageError, match=r"unknown attack 'pdg'\. Did you mean 'pgd'\?"):
        attacks.get("pdg")
