"""N-FGSM: a noisy start and one sign step without clipping (de Jorge et al. 2022), the attack used while training.

Differs from the paper in that the result is clipped into the range of the domain: a perturbed row of a table has to
stay a row of that table. The radius of the noise is one eps, not two: on tables, whose margins are nearly linear in
few columns, the larger noise buys no robustness (see docs/benchmarks/fit_quality.md for what was measured).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from efficienttrust.threats._attack import Attack, Attacked, attacks
from efficienttrust.threats._reach import Reach

NOISE = 1.0


def n_fgsm_shift(
    signed_margin: Callable[[Tensor], Tensor], where: Reach, generator: torch.Generator, noise: float = NOISE
) -> Tensor:
    """Return the shift [n, p] of one N-FGSM step: uniform noise of `noise` radii, then one radius down the margin."""
    radius = where.radius
    start = torch.empty_like(radius).uniform_(-noise, noise, generator=generator).mul_(radius)
    numeric = (where.origin + start).requires_grad_(True)
    (gradient,) = torch.autograd.grad(signed_margin(numeric).sum(), numeric)
    return start.sub_(radius * gradient.sign())


def n_fgsm(signed_margin: Callable[[Tensor], Tensor], where: Reach, generator: torch.Generator) -> Attacked:
    """Attack by N-FGSM, the shift snapped to what the domain allows so that the result counts as an attack."""
    moved = where.origin + where.snap(n_fgsm_shift(signed_margin, where, generator))
    with torch.no_grad():
        return Attacked(moved, signed_margin(moved))


attacks.register("n_fgsm")(
    Attack("n_fgsm", "noisy start, one sign step (after de Jorge et al. 2022)", needs_gradient=True, run=n_fgsm)
)
