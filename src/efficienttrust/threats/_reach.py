"""The set of perturbations that the domain allows, for a batch of encoded table rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from efficienttrust.errors import unknown_name
from efficienttrust.threats._region import NORMS
from efficienttrust.threats._relations import EncodedRelations

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
        eps: Radius of an L2 ball that cuts the box; None for L∞, whose ball is the box.
        relations: Linear relations between columns that must hold as well as they did; None without.
    """

    origin: Tensor
    down: Tensor
    up: Tensor
    step: Tensor
    eps: float | None = None
    relations: EncodedRelations | None = None

    @property
    def radius(self) -> Tensor:
        """[n, p] the larger of the two ways out: the scale of a step, 0 where nothing may change."""
        return torch.maximum(self.down, self.up)

    def start(self, generator: torch.Generator) -> Tensor:
        """Return random shifts within the region."""
        radius = self.radius
        return self.clip(torch.empty_like(radius).uniform_(-1.0, 1.0, generator=generator).mul_(radius))

    def descend(self, shift: Tensor, gradient: Tensor, size: float | Tensor) -> Tensor:
        """Step along the sign of the gradient in units of each column's radius, or along the gradient itself (L2)."""
        wide = size[:, None] if isinstance(size, Tensor) else size
        radius = self.radius
        if self.eps is None:
            return self.clip(shift - wide * radius * gradient.sign())
        free = gradient * (radius > 0)
        return self.clip(
            shift - wide * self.eps * free / torch.linalg.vector_norm(free, dim=1, keepdim=True).clamp_min(1e-12)
        )

    def clip(self, shift: Tensor) -> Tensor:
        """Return a shift clipped into the box, scaled into the ball, and made to respect the relations."""
        boxed = torch.maximum(torch.minimum(shift, self.up), -self.down)
        if self.relations is not None:
            boxed = self.relations.project(boxed, self.down, self.up)
        return boxed if self.eps is None else boxed * self._into_ball(boxed)

    def snap(self, shift: Tensor) -> Tensor:
        """Return the nearest allowed shift: inside the region and in whole units where a column counts things."""
        counts = self.step > 0
        if not bool(counts.any()):
            return self.clip(shift)
        unit = torch.where(counts, self.step, torch.ones_like(self.step))
        if self.eps is None and self.relations is None:
            return self.clip(torch.where(counts, torch.round(shift / unit) * unit, shift))
        # Towards zero: a shorter shift stays in the ball, and a whole number of units may not leave it by rounding up.
        inside = self.clip(shift)
        return torch.where(counts, torch.trunc(inside / unit + _GRID_SLACK * inside.sign()) * unit, inside)

    def points(self, shift: Tensor) -> Tensor:
        """Return the allowed rows nearest to where the shifts lead."""
        return self.origin + self.snap(shift)

    def valid(self, points: Tensor) -> Tensor | None:
        """Return which rows satisfy the relations; None where there are none."""
        return None if self.relations is None else self.relations.hold(points - self.origin)

    def rows(self, index: Tensor) -> Reach:
        """Return the reach of a selection of the rows."""
        relations = None if self.relations is None else self.relations.rows(index)
        return replace(self, origin=self.origin[index], down=self.down[index], up=self.up[index], relations=relations)

    def _into_ball(self, shift: Tensor) -> Tensor:
        assert self.eps is not None
        length: Tensor = torch.linalg.vector_norm(shift, dim=1, keepdim=True)
        return (self.eps / length.clamp_min(1e-12)).clamp_max(1.0)


def reach(
    domain: Domain,
    x: Tensor,
    eps: float,
    norm: str = "linf",
    *,
    whole_units: bool = True,
) -> Reach:
    """Compute what a perturbation of at most `eps` may reach from encoded rows.

    Args:
        domain: The perturbation domain of the problem.
        x: [n, d] encoded rows.
        eps: Largest shift, in training-set standard deviations: of each numeric column (L∞), or of all together (L2).
        norm: `linf` or `l2`.
        whole_units: Round the reach of integer columns down to whole units. Training attacks switch it off.
    """
    if norm not in NORMS:
        raise unknown_name("norm", norm, NORMS)
    lower, upper = torch.from_numpy(domain.lower), torch.from_numpy(domain.upper)
    step = torch.from_numpy(domain.step)
    n_numeric = len(lower)
    origin = x[:, :n_numeric]
    missing = _missing(domain, x)
    free = torch.from_numpy(domain.mutable).to(origin.dtype) * (1 - missing)
    up = torch.clamp(upper - origin, min=0.0, max=eps) * free
    down = torch.clamp(origin - lower, min=0.0, max=eps) * free
    if whole_units:
        unit = torch.where(step > 0, step, torch.ones_like(step))
        up = torch.where(step > 0, torch.floor(up / unit + _GRID_SLACK) * unit, up)
        down = torch.where(step > 0, torch.floor(down / unit + _GRID_SLACK) * unit, down)
    else:
        step = torch.zeros_like(step)
    bound = None
    if domain.relations is not None:
        coefficients, limits, equal = (torch.from_numpy(part) for part in domain.relations)
        bound = EncodedRelations.around(origin, free, missing, coefficients, limits, equal)
    return Reach(origin, down, up, step, eps if norm == "l2" else None, bound)


def _missing(domain: Domain, x: Tensor) -> Tensor:
    """Return 1 where a numeric cell was missing and holds its fill value, [n, p]."""
    missing = torch.zeros_like(x[:, : len(domain.lower)])
    for column, indicator in enumerate(domain.indicator.tolist()):
        if indicator >= 0:
            missing[:, column] = x[:, indicator]
    return missing
