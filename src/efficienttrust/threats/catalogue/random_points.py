"""Random points: a black-box attack that tries allowed points drawn at random, inside and on the faces of the reach.

The complement of the coordinate search for models that are constant in steps (trees): their worst point need not be a
corner. Each column of a draw is at one of its ends or uniformly between them, with equal chance.
"""

from __future__ import annotations

import torch
from torch import Tensor

from efficienttrust.threats._attack import Attack, attacks
from efficienttrust.threats._objective import Objective
from efficienttrust.threats._region import Region

DRAWS = 40


def random_points(objective: Objective, region: Region, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Keep the worst of `DRAWS` allowed points per row."""
    nowhere = torch.zeros_like(region.origin)
    fall, rise = (region.descend(nowhere, sign * torch.ones_like(nowhere), 1.0) for sign in (1.0, -1.0))
    with torch.no_grad():
        worst = region.points(nowhere)
        worst_margin = objective(worst)
        for _ in range(DRAWS):
            place = torch.empty_like(nowhere).uniform_(-2.0, 2.0, generator=generator).clamp(-1.0, 1.0)
            points = region.points(region.clip(torch.where(place > 0, place * rise, -place * fall)))
            margin = objective(points)
            lower = margin < worst_margin
            if (valid := region.valid(points)) is not None:
                lower &= valid
            worst = torch.where(lower.reshape(-1, *[1] * (points.ndim - 1)), points, worst)
            worst_margin = torch.where(lower, margin, worst_margin)
    return worst, worst_margin


attacks.register("random_points")(
    Attack("random_points", f"black box: {DRAWS} random allowed points", needs_gradient=False, search=random_points)
)
