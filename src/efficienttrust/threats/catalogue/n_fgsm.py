"""N-FGSM: a noisy start and one sign step without clipping (de Jorge et al. 2022), the attack used while training.

Differs from the paper in that the result is clipped into the range of the domain: a perturbed row of a table has to
stay a row of that table. The radius of the noise is one eps, not two: on tables, whose margins are nearly linear in
few columns, the larger noise buys no robustness (see docs/benchmarks/fit_quality.md for what was measured).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from efficienttrust.threats._attack import Attack, attacks
from efficienttrust.threats._descent import Seen, State
from efficienttrust.threats._reach import Reach
from efficienttrust.threats._region import Region

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


@dataclass(frozen=True)
class NoisyFGSM:
    """One whole step from a random point; as an attack the result is brought back into the region."""

    steps: int = 1
    loss: str = "cross_entropy"
    needs_gradient: bool = True

    def begin(self, region: Region, generator: torch.Generator) -> State:
        """Start at random points."""
        return {"shift": region.start(generator)}

    def advance(self, state: State, region: Region, seen: Seen, generator: torch.Generator) -> None:
        """Take the one step."""
        del generator
        state["shift"] = region.descend(state["shift"], seen.gradient, 1.0)


attacks.register("n_fgsm")(
    Attack(
        "n_fgsm", "noisy start, one sign step (after de Jorge et al. 2022)", needs_gradient=True, iteration=NoisyFGSM()
    )
)
