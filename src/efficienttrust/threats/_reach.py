"""The set of perturbations that the domain allows, for a batch of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from efficienttrust.data import Domain

_GRID_SLACK = 1e-4  # a share of one unit: keeps an eps of exactly k units from losing the k-th to rounding


@dataclass(frozen=True, eq=False)
class Reach:
    """What may be reached from the numeric columns of n rows: a box, and a grid in the columns that count things.

    Attributes:
        origin: [n, p] the clean values, in training-set standard deviations.
        down: [n, p] how far each value may fall (>= 0); on the grid where there is one.
        up: [n, p] how far each value may rise (>= 0).
        step: [p] size of one unit for integer columns, 0 for continuous ones.
    """

    origin: Tensor
    down: Tensor
    up: Tensor
    step: Tensor

    @property
    def radius(self) -> Tensor:
        """[n, p] the larger of the two ways out: the scale of a step, 0 where nothing may change."""
        return torch.maximum(self.down, self.up)

    def clip(self, shift: Tensor) -> Tensor:
        """Return a shift from the origin clipped into the box."""
        return torch.maximum(torch.minimum(shift, self.up), -self.down)

    def snap(self, shift: Tensor) -> Tensor:
        """Return the nearest allowed shift: inside the box and in whole units where a column counts things."""
        unit = torch.where(self.step > 0, self.step, torch.ones_like(self.step))
        whole = torch.where(self.step > 0, torch.round(shift / unit) * unit, shift)
        return self.clip(whole)

    def rows(self, index: Tensor) -> Reach:
        """Return the reach of a selection of the rows."""
        return Reach(self.origin[index], self.down[index], self.up[index], self.step)


def reach(domain: Domain, x: Tensor, eps: float, *, whole_units: bool = True) -> Reach:
    """Compute what an L-infinity perturbation of at most `eps` may reach from encoded rows.

    Args:
        domain: The perturbation domain of the problem.
        x: [n, d] encoded rows.
        eps: Largest shift of a numeric column, in training-set standard deviations.
        whole_units: Round the reach of integer columns down to whole units. Training attacks switch it off.
    """
    lower, upper = torch.from_numpy(domain.lower), torch.from_numpy(domain.upper)
    step = torch.from_numpy(domain.step)
    n_numeric = len(lower)
    origin = x[:, :n_numeric]
    free = torch.from_numpy(domain.mutable).to(origin.dtype).expand_as(origin).clone()
    for column, indicator in enumerate(domain.indicator.tolist()):
        if indicator >= 0:
            free[:, column] *= 1 - x[:, indicator]
    up = torch.clamp(upper - origin, min=0.0, max=eps) * free
    down = torch.clamp(origin - lower, min=0.0, max=eps) * free
    if whole_units:
        unit = torch.where(step > 0, step, torch.ones_like(step))
        up = torch.where(step > 0, torch.floor(up / unit + _GRID_SLACK) * unit, up)
        down = torch.where(step > 0, torch.floor(down / unit + _GRID_SLACK) * unit, down)
    else:
        step = torch.zeros_like(step)
    return Reach(origin, down, up, step)
