"""Small worlds to attack: a domain with every kind of column, rows in it, and victims with known answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import Tensor

from efficienttrust.data import Domain
from efficienttrust.models import build_mlp
from efficienttrust.threats import Attack, Objective, Reach, attacks, reach
from efficienttrust.threats.catalogue.square import Square

SINGLE = [name for name in attacks.names() if not attacks.get(name).stages]
every_attack = pytest.mark.parametrize("name", SINGLE)


def attack_of(name: str) -> Attack:
    """Return an attack; one that asks a thousand times asks sixty times here."""
    attack = attacks.get(name)
    return replace(attack, iteration=Square(steps=60)) if isinstance(attack.iteration, Square) else attack


@dataclass(frozen=True, eq=False)
class World:
    """Encoded rows and their domain. Columns: p numeric, one indicator per column that may be missing, one block.

    Attributes:
        domain: The perturbation domain.
        x: float32 [n, d].
        y: int8 [n].
        mean: [p] of the encoding.
        scale: [p] of the encoding.
        missing: bool [n, p], imputed cells.
    """

    domain: Domain
    x: Tensor
    y: Tensor
    mean: np.ndarray
    scale: np.ndarray
    missing: np.ndarray

    @property
    def p(self) -> int:
        return len(self.domain.lower)

    def reach(self, eps: float, norm: str = "linf") -> Reach:
        return reach(self.domain, self.x, eps, norm)

    def raw(self, numeric: Tensor) -> np.ndarray:
        """Return numeric columns in raw units."""
        return numeric.numpy().astype(np.float64) * self.scale + self.mean


def draw(seed: int, *, n: int = 40, p: int = 6, outside: bool = True) -> World:
    """Draw a world: even columns count things, one column is immutable, two may be missing, some rows are outliers."""
    rng = np.random.default_rng(seed)
    integer = np.arange(p) % 2 == 0
    mutable = np.arange(p) != 3
    mean, scale = rng.uniform(-5, 40, p), rng.uniform(1.5, 12, p)
    raw = mean + scale * rng.normal(size=(n, p))
    raw = np.where(integer, np.round(raw), raw)
    inner = raw[: n - n // 4] if outside else raw  # the last rows may lie outside the range seen in training
    lower, upper = inner.min(0), inner.max(0)
    missing = np.zeros((n, p), dtype=bool)
    may_miss = [j for j in (1, 2) if j < p]
    for j in may_miss:
        missing[:, j] = rng.uniform(size=n) < 0.3
    numeric = ((raw - mean) / scale).astype(np.float32)
    indicators = missing[:, may_miss].astype(np.float32)
    block = np.eye(3, dtype=np.float32)[rng.integers(0, 3, n)]
    x = np.concatenate([numeric, indicators, block], axis=1)
    indicator = np.full(p, -1, dtype=np.int64)
    for k, j in enumerate(may_miss):
        indicator[j] = p + k
    domain = Domain(
        lower=((lower - mean) / scale).astype(np.float32),
        upper=((upper - mean) / scale).astype(np.float32),
        step=np.where(integer, 1 / scale, 0).astype(np.float32),
        mutable=mutable,
        indicator=indicator,
        blocks=((p + len(may_miss), x.shape[1]),),
        n_features=x.shape[1],
    )
    y = rng.integers(0, 2, n).astype(np.int8)
    return World(domain, torch.from_numpy(x), torch.from_numpy(y), mean, scale, missing)


class NetworkVictim:
    """A random network; its weights are scaled up so that it is far from linear."""

    differentiable = True

    def __init__(self, world: World, seed: int = 0) -> None:
        self.network = build_mlp(n_features=world.x.shape[1], widths=(16, 8), seed=seed)
        with torch.no_grad():
            for parameter in self.network.parameters():
                parameter.mul_(2.5)
        self._world = world

    def bind(self, rows: Tensor) -> Callable[[Tensor], Tensor]:
        return self.network.bind(self._world.x[rows], self._world.p)


class LinearVictim:
    """Scores `numeric @ w + offset`."""

    differentiable = True

    def __init__(self, w: Tensor, offset: Tensor) -> None:
        self.w, self.offset = w, offset

    def bind(self, rows: Tensor) -> Callable[[Tensor], Tensor]:
        return lambda numeric: numeric @ self.w + self.offset[rows]


@dataclass(frozen=True, eq=False)
class Found:
    """Perturbed numeric columns and the margins there."""

    numeric: Tensor
    margin: Tensor


def signed_margin(victim: NetworkVictim | LinearVictim, world: World) -> Objective:
    """Return the margin of all rows towards their own labels."""
    return Objective(victim.bind(torch.arange(len(world.y))), world.y.long())


def attack_all(
    attack: Attack, victim: NetworkVictim | LinearVictim, world: World, eps: float, norm: str = "linf"
) -> Found:
    """Run an attack once on all rows, right or wrong."""
    return Found(*attack.run(signed_margin(victim, world), world.reach(eps, norm), torch.Generator().manual_seed(0)))


def is_deterministic(attack: Attack) -> bool:
    """Return whether an attack leaves its source of randomness untouched."""
    world, generator = draw(0), torch.Generator().manual_seed(0)
    before = generator.get_state()
    attack.run(signed_margin(NetworkVictim(world), world), world.reach(0.5), generator)
    return torch.equal(before, generator.get_state())


DETERMINISTIC = [name for name in SINGLE if is_deterministic(attack_of(name))]
