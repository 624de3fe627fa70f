"""Coordinate search: a black-box attack that tries both ends of every column in turn.

It needs scores only, so it works on any exported file, trees and quantised models included. On tables with few
numeric columns it is strong: two greedy passes over the corners of the reach find the worst corner of any margin
that is additive or monotone in each column. (Own method; a greedy special case of coordinate descent.)
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from efficienttrust.threats._attack import Attack, Attacked, attacks
from efficienttrust.threats._reach import Reach

PASSES = 2


def coordinate(signed_margin: Callable[[Tensor], Tensor], where: Reach, generator: torch.Generator) -> Attacked:
    """Move one column at a time to its lowest or highest allowed value and keep what lowers the margin."""
    del generator  # deterministic
    shift = torch.zeros_like(where.origin)
    with torch.no_grad():
        margin = signed_margin(where.origin)
        for _ in range(PASSES):
            before = margin.clone()
            for column in range(shift.shape[1]):
                for end in (-where.down[:, column], where.up[:, column]):
                    if bool((end == 0).all()):
                        continue
                    trial = shift.clone()
                    trial[:, column] = end
                    trial_margin = signed_margin(where.origin + trial)
                    better = trial_margin < margin
                    shift = torch.where(better[:, None], trial, shift)
                    margin = torch.where(better, trial_margin, margin)
            if bool((margin == before).all()):
                break
    return Attacked(where.origin + shift, margin)


attacks.register("coordinate")(
    Attack(
        "coordinate",
        f"black box: {PASSES} greedy passes over both ends of each column",
        needs_gradient=False,
        run=coordinate,
    )
)
