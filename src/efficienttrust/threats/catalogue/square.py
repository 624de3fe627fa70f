"""Square attack: a black-box random search with square patches (Andriushchenko et al. 2020).

Needs answers only, no gradient, so it works on what has none and shows where gradients mislead. Differs from the paper:
rows without a spatial layout (tables) change a random subset of their columns instead of a square; in L2 the patch gets
a random direction and the whole shift is scaled back onto the sphere, in place of the paper's moving of mass between
two windows; and 1,000 queries are the default, not 5,000 (the schedule is stretched accordingly, as in the paper).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from efficienttrust.threats._attack import Attack, attacks
from efficienttrust.threats._descent import Seen, State
from efficienttrust.threats._region import Region

QUERIES = 1000
FIRST_SHARE = 0.8  # of the cells that the first patches cover
HALVINGS = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)  # of the queries: where that share halves
REACH = 4.0  # a step of this many radii ends on the boundary from wherever it starts


@dataclass(frozen=True)
class Square:
    """Proposes patches at the boundary of the region and keeps those that lower the margin."""

    steps: int = QUERIES
    loss: str = "margin"
    needs_gradient: bool = False

    def begin(self, region: Region, generator: torch.Generator) -> State:
        """Start with vertical stripes (images) or a random corner (tables)."""
        origin = region.origin
        shape = list(origin.shape)
        if origin.ndim == 4:
            shape[2] = 1
        shift = region.descend(torch.zeros_like(origin), self._signs(shape, origin, generator).expand_as(origin), REACH)
        return {"shift": shift, "best": shift.clone(), "best_loss": shift.new_full((len(shift),), torch.inf)}

    def advance(self, state: State, region: Region, seen: Seen, generator: torch.Generator) -> None:
        """Keep the last proposal where it helped and make the next one."""
        loss = seen.loss.to(state["best_loss"].dtype)
        better = loss < state["best_loss"]
        state["best_loss"] = torch.where(better, loss, state["best_loss"])
        state["best"] = torch.where(better.reshape(-1, *[1] * (seen.gradient.ndim - 1)), state["shift"], state["best"])
        best = state["best"]
        share = FIRST_SHARE * 0.5 ** torch.bucketize(
            seen.index.to(best.dtype) / self.steps, best.new_tensor(HALVINGS)
        ).to(best.dtype)
        shape = [len(best), best.shape[1], 1, 1] if best.ndim == 4 else list(best.shape)
        signs = self._signs(shape, best, generator).expand_as(best)
        patch = self._squares(best, share, generator) if best.ndim == 4 else self._columns(best, share, generator)
        moved = region.descend(best, signs, REACH)
        state["shift"] = region.clip(torch.where(patch, moved, best))

    @staticmethod
    def _signs(shape: list[int], like: Tensor, generator: torch.Generator) -> Tensor:
        drawn = torch.randint(0, 2, shape, generator=generator, device=like.device)
        return (2 * drawn - 1).to(like.dtype)

    @staticmethod
    def _squares(best: Tensor, share: Tensor, generator: torch.Generator) -> Tensor:
        """Return masks [n, 1, H, W] of one square window a row, its area that share of the picture."""
        n, _, height, width = best.shape
        side = (share * height * width).sqrt().round().clamp(1, max(1, min(height, width) - 1))
        place = torch.rand(n, 2, generator=generator, device=best.device, dtype=best.dtype)
        top, left = (place[:, 0] * (height - side + 1)).floor(), (place[:, 1] * (width - side + 1)).floor()
        down = torch.arange(height, device=best.device, dtype=best.dtype)
        across = torch.arange(width, device=best.device, dtype=best.dtype)
        in_height = (down >= top[:, None]) & (down < (top + side)[:, None])
        in_width = (across >= left[:, None]) & (across < (left + side)[:, None])
        return (in_height[:, None, :, None] & in_width[:, None, None, :]).expand(n, 1, height, width)

    @staticmethod
    def _columns(best: Tensor, share: Tensor, generator: torch.Generator) -> Tensor:
        """Return masks [n, ...] of that share of the cells of each row, at least one."""
        order = torch.rand(best.shape, generator=generator, device=best.device).flatten(1).argsort(1).argsort(1)
        count = (share * order.shape[1]).round().clamp_min(1)
        return (order < count[:, None]).reshape(best.shape)


attacks.register("square")(
    Attack(
        "square",
        f"black box: random search with square patches, {QUERIES} queries (after Andriushchenko et al. 2020)",
        needs_gradient=False,
        iteration=Square(),
    )
)
