"""A point that an attack returned is not allowed."""

from __future__ import annotations

import torch
from torch import Tensor

from efficienttrust.evaluation.alarms._alarm import Alarm, alarms
from efficienttrust.evaluation.alarms._evidence import Evidence
from efficienttrust.threats import Ball, Reach, Region

NAME = "outside_the_region"
MEANING = "A point that an attack returned lies outside the allowed region, so its success does not count."
TOLERANCE = 1e-5
"""In the units of the rows, for additions in float32."""


@alarms.register(NAME)
def outside_the_region(evidence: Evidence) -> Alarm:
    """Measure by how much any returned point leaves ball, box, range or grid, checked independently."""
    excess = _excess(evidence.region, evidence.pgd.points)
    valid = evidence.region.valid(evidence.pgd.points)
    broken = 0 if valid is None else int((~valid).sum())
    worst = float(excess.max()) if len(excess) else 0.0
    out = int((excess > TOLERANCE).sum())
    seen = f"{out} of {evidence.n} returned points leave the region (by up to {worst:.2g}), {broken} break a relation"
    return Alarm(NAME, out + broken > 0, worst, TOLERANCE, MEANING, seen)


def _excess(region: Region, points: Tensor) -> Tensor:
    """Return by how much each point [n] is outside, 0 inside."""
    shift = points - region.origin
    if isinstance(region, Ball):
        flat = shift.flatten(1)
        length = flat.abs().amax(1) if region.norm == "linf" else flat.square().sum(1).sqrt()
        box = torch.maximum(region.lower - points, points - region.upper).flatten(1).amax(1)
        return torch.maximum(length - region.eps, box).clamp_min(0)
    if isinstance(region, Reach):
        beyond = torch.maximum(shift - region.up, -shift - region.down).amax(1)
        counts = region.step > 0
        units = shift[:, counts] / region.step[counts]
        off = ((units - units.round()).abs() * region.step[counts] - TOLERANCE * shift[:, counts].abs()).clamp_min(0)
        grid = off.amax(1) if off.shape[1] else torch.zeros(len(points))
        ball = torch.zeros(len(points)) if region.eps is None else shift.square().sum(1).sqrt() - region.eps
        return torch.stack([beyond, grid, ball]).amax(0).clamp_min(0)
    return torch.zeros(len(points))
