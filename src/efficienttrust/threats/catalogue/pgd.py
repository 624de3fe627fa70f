"""PGD: projected gradient descent on the margin with a random start (Madry et al. 2018)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from efficienttrust.threats._attack import Attack, Attacked, attacks
from efficienttrust.threats._reach import Reach

STEPS = 20
SHORT_STEPS = 5  # used while training: monitors and calibration
SHORT_PASSES = 3 * SHORT_STEPS + 1  # what it costs in forward passes: a backward pass costs two


def pgd(
    signed_margin: Callable[[Tensor], Tensor],
    where: Reach,
    generator: torch.Generator,
    *,
    steps: int = STEPS,
    random_start: bool = True,
) -> Attacked:
    """Descend the margin by sign steps, keeping the worst *allowed* point seen.

    The iterate is continuous and the margin and its gradient are taken at the nearest allowed point (whole units
    where a column counts things), so that what is reported is always a row that could exist. Step size: 2.5 radii
    divided by the number of steps.
    """
    radius = where.radius
    shift = torch.zeros_like(radius)
    if random_start:
        shift = where.clip(shift.uniform_(-1.0, 1.0, generator=generator).mul_(radius))
    step = radius * (2.5 / steps)
    worst, worst_margin = where.origin, radius.new_full((len(radius),), torch.inf)
    for index in range(steps + 1):
        numeric = (where.origin + where.snap(shift)).requires_grad_(True)
        margin = signed_margin(numeric)
        lower = margin.detach() < worst_margin
        worst_margin = torch.where(lower, margin.detach(), worst_margin)
        worst = torch.where(lower[:, None], numeric.detach(), worst)
        if index < steps:
            (gradient,) = torch.autograd.grad(margin.sum(), numeric)
            shift = where.clip(shift - step * gradient.sign())
    return Attacked(worst, worst_margin)


def short_pgd(signed_margin: Callable[[Tensor], Tensor], where: Reach, generator: torch.Generator) -> Attacked:
    """PGD with few steps and a start at the clean row: what monitors and calibration can afford."""
    return pgd(signed_margin, where, generator, steps=SHORT_STEPS, random_start=False)


attacks.register("pgd")(
    Attack("pgd", f"PGD, {STEPS} sign steps, random starts (Madry et al. 2018)", needs_gradient=True, run=pgd)
)

SHORT_PGD = Attack("pgd", f"PGD, {SHORT_STEPS} sign steps from the clean row", needs_gradient=True, run=short_pgd)
