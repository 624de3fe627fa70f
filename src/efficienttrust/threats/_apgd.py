"""Auto-PGD: a step length that halves itself when progress stalls (Croce and Hein 2020)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from efficienttrust.threats._descent import Seen, State
from efficienttrust.threats._region import Region

FIRST_CHECK, CLOSER_BY, CLOSEST = 0.22, 0.03, 0.06  # of the steps: when progress is checked, and how that shortens
PROGRESS = 0.75  # of the steps since the last check that must have lowered the loss
MOMENTUM = 0.75


@dataclass(frozen=True)
class AutoPGD:
    """Momentum descent from a random point; at check points rows without progress go back to their best and halve.

    Differs from the paper's code in that each row leaves as soon as it is fooled.

    Attributes:
        steps: Number of steps.
        loss: What is descended, one of `LOSSES`.
    """

    loss: str
    steps: int = 100
    needs_gradient: bool = True

    def begin(self, region: Region, generator: torch.Generator) -> State:
        """Start anywhere in the region."""
        shift = region.start(generator)
        n = len(shift)
        first = max(1, math.ceil(FIRST_CHECK * self.steps))
        return {
            "shift": shift,
            "before": shift.clone(),
            "best": shift.clone(),
            "best_gradient": torch.zeros_like(shift),
            "best_loss": shift.new_full((n,), torch.inf),
            "checked_loss": shift.new_full((n,), torch.inf),
            "last_loss": shift.new_full((n,), torch.inf),
            "size": shift.new_full((n,), 2.0),
            "falls": shift.new_zeros(n),
            "interval": shift.new_full((n,), float(first)),
            "since": shift.new_zeros(n),
            "halved": torch.ones(n, dtype=torch.bool, device=shift.device),
        }

    def advance(self, state: State, region: Region, seen: Seen, generator: torch.Generator) -> None:
        """Note what was seen, check progress where it is due, and step."""
        del generator
        loss = seen.loss.to(state["best_loss"].dtype)
        better = loss < state["best_loss"]
        wide = _wide(better, seen.gradient)
        state["best_loss"] = torch.where(better, loss, state["best_loss"])
        state["best"] = torch.where(wide, state["shift"], state["best"])
        state["best_gradient"] = torch.where(wide, seen.gradient, state["best_gradient"])
        first = seen.index == 0
        state["checked_loss"] = torch.where(first, loss, state["checked_loss"])
        state["falls"] = state["falls"] + ((loss < state["last_loss"]) & ~first)
        state["since"] = state["since"] + ~first
        state["last_loss"] = loss
        gradient = self._check(state, seen.gradient)
        shift = state["shift"]
        straight = region.descend(shift, gradient, state["size"])
        blended = region.clip(shift + MOMENTUM * (straight - shift) + (1 - MOMENTUM) * (shift - state["before"]))
        state["before"] = shift
        state["shift"] = torch.where(_wide(first, shift), straight, blended)

    def _check(self, state: State, gradient: Tensor) -> Tensor:
        """Halve the step of rows that stalled and put them back to their best point; return the gradients to follow."""
        due = state["since"] >= state["interval"]
        if not bool(due.any()):
            return gradient
        oscillates = state["falls"] <= PROGRESS * state["since"]
        stuck = ~state["halved"] & (state["best_loss"] >= state["checked_loss"])
        halve = due & (oscillates | stuck)
        state["size"] = torch.where(halve, state["size"] / 2, state["size"])
        wide = _wide(halve, gradient)
        state["shift"] = torch.where(wide, state["best"], state["shift"])
        state["halved"] = torch.where(due, halve, state["halved"])
        state["checked_loss"] = torch.where(due, state["best_loss"], state["checked_loss"])
        closest, closer = max(1.0, CLOSEST * self.steps), max(1.0, CLOSER_BY * self.steps)
        state["interval"] = torch.where(due, (state["interval"] - closer).clamp_min(closest), state["interval"])
        state["falls"] = torch.where(due, torch.zeros_like(state["falls"]), state["falls"])
        state["since"] = torch.where(due, torch.zeros_like(state["since"]), state["since"])
        return torch.where(wide, state["best_gradient"], gradient)


def _wide(per_row: Tensor, like: Tensor) -> Tensor:
    return per_row.reshape(-1, *[1] * (like.ndim - 1))
