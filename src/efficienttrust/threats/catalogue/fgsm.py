"""FGSM: one step along the sign of the gradient (Goodfellow, Shlens and Szegedy 2015)."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from efficienttrust.threats._attack import Attack, attacks
from efficienttrust.threats._descent import Seen, State
from efficienttrust.threats._region import Region


@dataclass(frozen=True)
class FGSM:
    """Moves every cell by its whole radius against the gradient at the clean row."""

    steps: int = 1
    loss: str = "cross_entropy"
    needs_gradient: bool = True

    def begin(self, region: Region, generator: torch.Generator) -> State:
        """Start at the clean rows."""
        del generator  # deterministic
        return {"shift": torch.zeros_like(region.origin)}

    def advance(self, state: State, region: Region, seen: Seen, generator: torch.Generator) -> None:
        """Take the one step."""
        del generator
        state["shift"] = region.descend(torch.zeros_like(state["shift"]), seen.gradient, 1.0)


attacks.register("fgsm")(
    Attack(
        "fgsm",
        "one step along the sign of the gradient (Goodfellow et al. 2015)",
        needs_gradient=True,
        iteration=FGSM(),
    )
)
