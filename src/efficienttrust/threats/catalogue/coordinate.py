"""Coordinate search: a black-box attack that tries both ends of every column in turn.

It needs scores only, so it works on any exported file, trees and quantised models included. On tables with few
numeric columns it is strong: two greedy passes over the corners of the reach find the worst corner of any margin
that is additive or monotone in each column. (Own method; a greedy special case of coordinate descent.)
"""

from __future__ import annotations

import torch
from torch import Tensor

from efficienttrust.threats._attack import Attack, attacks
from efficienttrust.threats._objective import Objective
from efficienttrust.threats._region import Region

PASSES = 2


MOST_COLUMNS = 256  # of a row: beyond it two passes over every cell cost more than they find


def coordinate(objective: Objective, region: Region, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Move one column at a time to its lowest or highest allowed value and keep what lowers the margin."""
    del generator  # deterministic
    best = torch.zeros_like(region.origin).flatten(1)
    shape = region.origin.shape
    ends = _ends(region)
    with torch.no_grad():
        margin = objective(region.points(best.reshape(shape)))
        for _ in range(PASSES if best.shape[1] <= MOST_COLUMNS else 0):
            before = margin.clone()
            for column in range(best.shape[1]):
                for end in ends:
                    if bool((end[:, column] == 0).all()):
                        continue
                    trial = best.clone()
                    trial[:, column] = end[:, column]
                    shift = region.clip(trial.reshape(shape))
                    points = region.points(shift)
                    found = objective(points)
                    better = found < margin
                    if (valid := region.valid(points)) is not None:
                        better &= valid
                    best = torch.where(better[:, None], shift.flatten(1), best)
                    margin = torch.where(better, found, margin)
            if bool((margin == before).all()):
                break
    return region.points(best.reshape(shape)), margin


def _ends(region: Region) -> tuple[Tensor, Tensor]:
    """Return how far each cell may fall and rise with all others at rest, [n, cells] each."""
    ends = []
    for sign in (1.0, -1.0):
        falls = torch.zeros_like(region.origin).flatten(1)
        for column in range(falls.shape[1] if falls.shape[1] <= MOST_COLUMNS else 0):
            direction = torch.zeros_like(falls)
            direction[:, column] = sign
            shape = region.origin.shape
            shift = region.descend(torch.zeros_like(region.origin), direction.reshape(shape), 1.0)
            falls[:, column] = (region.points(shift) - region.origin).flatten(1)[:, column]
        ends.append(falls)
    return ends[0], ends[1]


attacks.register("coordinate")(
    Attack(
        "coordinate",
        f"black box: {PASSES} greedy passes over both ends of each column (rows of up to {MOST_COLUMNS} cells)",
        needs_gradient=False,
        search=coordinate,
        most_cells=MOST_COLUMNS,
    )
)
