"""Where a perturbed row may be: the one interface through which attacks move, on tables and on images alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self

import torch
from torch import Tensor

from efficienttrust.errors import UsageError, unknown_name

NORMS = ("linf", "l2")


class Region(Protocol):
    """The allowed points around n rows. A shift is where an attack stands relative to the clean row."""

    @property
    def origin(self) -> Tensor:
        """[n, ...] the clean rows."""
        ...

    def rows(self, index: Tensor) -> Self:
        """Return the region of a selection of the rows."""
        ...

    def start(self, generator: torch.Generator) -> Tensor:
        """Return random shifts [n, ...] within the region."""
        ...

    def descend(self, shift: Tensor, gradient: Tensor, size: float | Tensor) -> Tensor:
        """Return the shift after a steepest-descent step of `size` radii (one for all, or [n]), back in the region."""
        ...

    def clip(self, shift: Tensor) -> Tensor:
        """Return the shift brought back into the region, up to whole units and relations between columns."""
        ...

    def points(self, shift: Tensor) -> Tensor:
        """Return the allowed points [n, ...] nearest to where the shifts lead."""
        ...

    def valid(self, points: Tensor) -> Tensor | None:
        """Return which points [n] satisfy what a projection cannot ensure; None where it ensures everything."""
        ...


@dataclass(frozen=True, eq=False)
class Ball:
    """A norm ball around rows of any shape, cut by a box: the region of images.

    Attributes:
        origin: [n, ...] the clean rows, inside the box.
        eps: [n] radius of each row's ball.
        norm: `linf` or `l2`.
        lower: Least value of a cell.
        upper: Largest value of a cell.
    """

    origin: Tensor
    eps: Tensor
    norm: str
    lower: float
    upper: float

    def rows(self, index: Tensor) -> Ball:
        """Return the balls of a selection of the rows."""
        return Ball(self.origin[index], self.eps[index], self.norm, self.lower, self.upper)

    def start(self, generator: torch.Generator) -> Tensor:
        """Return shifts drawn uniformly from the ball (L∞), or in a random direction at a uniform distance (L2)."""
        noise = torch.empty_like(self.origin)
        if self.norm == "linf":
            noise.uniform_(-1.0, 1.0, generator=generator).mul_(self._wide(self.eps))
        else:
            noise.normal_(generator=generator)
            distance = torch.empty_like(self.eps).uniform_(0.0, 1.0, generator=generator) * self.eps
            noise.mul_(self._wide(distance / _length(noise).clamp_min(1e-12)))
        return self.clip(noise)

    def descend(self, shift: Tensor, gradient: Tensor, size: float | Tensor) -> Tensor:
        """Step along the sign of the gradient (L∞) or along the unit gradient (L2), then project."""
        length = self._wide(self.eps * size)
        if self.norm == "linf":
            return self.clip(shift - length * gradient.sign())
        return self.clip(shift - length * gradient / self._wide(_length(gradient).clamp_min(1e-12)))

    def clip(self, shift: Tensor) -> Tensor:
        """Project onto the ball, then cut by the box: cutting moves cells towards the clean row, so both hold."""
        if self.norm == "linf":
            eps = self._wide(self.eps)
            shift = torch.minimum(torch.maximum(shift, -eps), eps)
        else:
            shift = shift * self._wide((self.eps / _length(shift).clamp_min(1e-12)).clamp_max(1.0))
        return (self.origin + shift).clamp_(self.lower, self.upper) - self.origin

    def points(self, shift: Tensor) -> Tensor:
        """Return origin + shift, rounding held inside the box."""
        return (self.origin + shift).clamp_(self.lower, self.upper)

    def valid(self, points: Tensor) -> None:
        """Every point of the ball is allowed."""
        return

    def _wide(self, per_row: Tensor) -> Tensor:
        return per_row.reshape(-1, *[1] * (self.origin.ndim - 1))


def ball(x: Tensor, eps: float | Tensor, norm: str = "linf", *, lower: float = 0.0, upper: float = 1.0) -> Ball:
    """Return the norm balls around rows, cut by the box [lower, upper].

    Args:
        x: [n, ...] the clean rows, e.g. images in [0, 1].
        eps: Radius in the units of x, one for all rows or [n].
        norm: `linf` or `l2`.
        lower: Least value of a cell.
        upper: Largest value of a cell.

    Raises:
        UsageError: Rows outside the box, a radius that looks like pixel units of 0-255, an unknown norm.
    """
    if norm not in NORMS:
        raise unknown_name("norm", norm, NORMS)
    radius = torch.as_tensor(eps, dtype=x.dtype, device=x.device).expand(len(x)).clone()
    if len(x) and (float(x.min()) < lower or float(x.max()) > upper):
        raise UsageError(
            f"rows to attack span {float(x.min()):.4g} to {float(x.max()):.4g}, the declared box is {lower:g} to "
            f"{upper:g}: scale them into the box and put any normalisation inside the model"
        )
    if len(x) and not bool((radius >= 0).all()):
        raise UsageError(f"eps must be 0 or more, not {float(radius.min()):g}")
    if norm == "linf" and len(x) and float(radius.max()) > upper - lower:
        raise UsageError(
            f"eps = {float(radius.max()):g} is wider than the box of {lower:g} to {upper:g}; "
            f"for pixels of 0 to 255 write {float(radius.max()):g}/255"
        )
    return Ball(x, radius, norm, lower, upper)


def _length(shift: Tensor) -> Tensor:
    """Return the Euclidean length [n] of shifts of any shape."""
    length: Tensor = torch.linalg.vector_norm(shift.flatten(1), dim=1)
    return length
