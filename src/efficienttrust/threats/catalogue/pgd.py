"""PGD: projected gradient descent with a random start (Madry et al. 2018)."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from efficienttrust.threats._attack import Attack, attacks
from efficienttrust.threats._descent import Seen, State
from efficienttrust.threats._region import Region

STEPS = 20
SHORT_STEPS = 5  # used while training: monitors and calibration
SHORT_PASSES = 3 * SHORT_STEPS + 1  # what it costs in forward passes: a backward pass costs two
TRAINING_PGD_STEPS = 3
PATH = 2.5  # length of the whole path in radii: enough to cross the region and come back


@dataclass(frozen=True)
class PGD:
    """Steps down the loss, keeping the worst *allowed* point seen.

    The iterate is continuous; model and gradient are taken at the nearest allowed point (whole units where a column of
    a table counts things), so that what is reported is always a row that could exist.

    Attributes:
        steps: Number of steps.
        size: Length of a step in radii; 2.5 divided by the number of steps where None.
        random_start: Whether to start at a random point of the region rather than at the clean row.
    """

    steps: int = STEPS
    size: float | None = None
    random_start: bool = True
    loss: str = "cross_entropy"
    needs_gradient: bool = True

    def begin(self, region: Region, generator: torch.Generator) -> State:
        """Start anywhere, or at the clean rows."""
        return {"shift": region.start(generator) if self.random_start else torch.zeros_like(region.origin)}

    def advance(self, state: State, region: Region, seen: Seen, generator: torch.Generator) -> None:
        """Take a step of fixed length."""
        del generator
        state["shift"] = region.descend(state["shift"], seen.gradient, self.size or PATH / self.steps)


attacks.register("pgd")(
    Attack("pgd", f"PGD, {STEPS} steps, random starts (Madry et al. 2018)", needs_gradient=True, iteration=PGD())
)

SHORT_PGD = Attack(
    "pgd",
    f"PGD, {SHORT_STEPS} steps from the clean row",
    needs_gradient=True,
    iteration=PGD(steps=SHORT_STEPS, random_start=False),
)
TRAINING_PGD = Attack(
    "pgd", f"PGD, {TRAINING_PGD_STEPS} steps", needs_gradient=True, iteration=PGD(steps=TRAINING_PGD_STEPS)
)
