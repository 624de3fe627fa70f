"""What an attack is, what it attacks, and the one way to run it on many rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from efficienttrust.registry import Registry
from efficienttrust.threats._reach import Reach

CHUNK = 2048


class Victim(Protocol):
    """What is attacked: margins of the positive class (> 0 predicts it) as a function of the numeric columns."""

    differentiable: bool

    def bind(self, rows: Tensor) -> Callable[[Tensor], Tensor]:
        """Return the function from numeric columns [m, p] to margins [m] for the rows at these positions."""
        ...


@dataclass(frozen=True, eq=False)
class Attacked:
    """The worst that was found for each row.

    Attributes:
        numeric: [n, p] perturbed numeric columns, inside the reach.
        margin: [n] signed margin there: > 0 is still right.
    """

    numeric: Tensor
    margin: Tensor


@dataclass(frozen=True)
class Attack:
    """An attack by name.

    Attributes:
        name: Name in targets and reports.
        definition: One sentence for reports, with the source.
        needs_gradient: Whether the victim must be differentiable.
        run: (signed margin of numeric columns, reach, generator) -> Attacked, for one chunk of rows.
    """

    name: str
    definition: str
    needs_gradient: bool
    run: Callable[[Callable[[Tensor], Tensor], Reach, torch.Generator], Attacked]


def signed(score: Callable[[Tensor], Tensor], sign: Tensor) -> Callable[[Tensor], Tensor]:
    """Return the margin towards each row's own label: > 0 is right."""
    return lambda numeric: sign * score(numeric)


def _right(margin: Tensor, sign: Tensor) -> Tensor:
    """Return where the decision `margin of the positive class > 0` is right: at exactly 0 it is negative."""
    return (margin > 0) | ((margin == 0) & (sign < 0))


attacks: Registry[Attack] = Registry("attack", "efficienttrust.threats.catalogue")


def run_attack(
    attack: Attack, victim: Victim, where: Reach, y: Tensor, generator: torch.Generator, *, restarts: int = 1
) -> Attacked:
    """Attack rows in chunks; every restart goes on with the rows that still stand.

    Args:
        attack: The attack; one that needs a gradient requires a differentiable victim.
        victim: What is attacked.
        where: Reach of the n rows.
        y: [n] labels, 1 = positive.
        generator: Source of the random starts.
        restarts: How often the attack is run on the survivors; the worst counts.

    Returns:
        For each row the worst point found, the clean one included.
    """
    signs = 2.0 * y.to(torch.float32) - 1.0
    numeric, margin = where.origin.clone(), torch.empty_like(signs)
    for start in range(0, len(signs), CHUNK):
        rows = torch.arange(start, min(start + CHUNK, len(signs)))
        with torch.no_grad():
            margin[rows] = signs[rows] * victim.bind(rows)(where.origin[rows])
        for _ in range(restarts):
            alive = rows[_right(margin[rows], signs[rows])]
            if len(alive) == 0:
                break
            found = attack.run(signed(victim.bind(alive), signs[alive]), where.rows(alive), generator)
            worse = found.margin < margin[alive]
            hit = alive[worse]
            margin[hit], numeric[hit] = found.margin[worse], found.numeric[worse]
    return Attacked(numeric, margin)
