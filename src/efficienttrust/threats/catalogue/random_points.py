"""Random points: a black-box attack that tries allowed points drawn at random, inside and on the faces of the reach.

The complement of the coordinate search for models that are constant in steps (trees): their worst point need not be a
corner. Each column of a draw is at one of its ends or uniformly between them, with equal chance.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from efficienttrust.threats._attack import Attack, Attacked, attacks
from efficienttrust.threats._reach import Reach

DRAWS = 40


def random_points(signed_margin: Callable[[Tensor], Tensor], where: Reach, generator: torch.Generator) -> Attacked:
    """Keep the worst of `DRAWS` allowed points per row."""
    worst = where.origin
    with torch.no_grad():
        worst_margin = signed_margin(worst)
        for _ in range(DRAWS):
            place = torch.empty_like(where.origin).uniform_(-2.0, 2.0, generator=generator).clamp(-1.0, 1.0)
            shift = where.snap(torch.where(place > 0, place * where.up, place * where.down))
            margin = signed_margin(where.origin + shift)
            lower = margin < worst_margin
            worst = torch.where(lower[:, None], where.origin + shift, worst)
            worst_margin = torch.where(lower, margin, worst_margin)
    return Attacked(worst, worst_margin)


attacks.register("random_points")(
    Attack("random_points", f"black box: {DRAWS} random allowed points", needs_gradient=False, run=random_points)
)
