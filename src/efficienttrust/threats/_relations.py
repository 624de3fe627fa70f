"""Linear relations between numeric columns, as an attack has to respect them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

_TOLERANCE = 1e-4  # in encoded units: float32 sums of a few columns
_DEPENDENT = 1e-5  # of the largest eigenvalue: smaller ones are rounding, and their equations follow from the others


@dataclass(frozen=True, eq=False)
class EncodedRelations:
    """Relations on the shifts of n rows: `at_most @ shift <= room` and `equal @ shift == 0`.

    Attributes:
        at_most: [r, p] coefficients of the inequalities.
        room: [n, r] how far each row may still go towards each bound (>= 0).
        equal: [q, p] coefficients of the equations.
        binds: [n, q] 1 where an equation binds a row.
        free: [n, p] 1 where a cell may move, 0 elsewhere.
    """

    at_most: Tensor
    room: Tensor
    equal: Tensor
    binds: Tensor
    free: Tensor

    @classmethod
    def around(
        cls, origin: Tensor, free: Tensor, missing: Tensor, coefficients: Tensor, bounds: Tensor, equal: Tensor
    ) -> EncodedRelations:
        """Return the relations as seen from clean rows [n, p].

        A relation that a row breaks already leaves no room to break it further; one with a missing cell binds nothing.

        Args:
            origin: [n, p] clean values.
            free: [n, p] 1 where a cell may move.
            missing: [n, p] 1 where a cell holds its fill value.
            coefficients: [r, p] of the relations.
            bounds: [r] of the relations.
            equal: [r] whether a relation is an equation.
        """
        binds = (missing @ coefficients.ne(0).to(origin.dtype).t()) == 0  # [n, r]
        at_most, room = coefficients[~equal], bounds[~equal] - origin @ coefficients[~equal].t()
        room = torch.where(binds[:, ~equal], room.clamp_min(0.0), torch.inf)
        return cls(at_most, room, coefficients[equal], binds[:, equal].to(origin.dtype), free)

    def rows(self, index: Tensor) -> EncodedRelations:
        """Return the relations of a selection of the rows."""
        return replace(self, room=self.room[index], binds=self.binds[index], free=self.free[index])

    def project(self, shift: Tensor, down: Tensor, up: Tensor) -> Tensor:
        """Return a shift inside the box [-down, up] that satisfies the relations.

        Equations: the part of the shift that changes them is taken out, within the cells that may move. Then the whole
        shift is shortened until it fits box and inequalities; all of them hold at no shift, so this ends inside.
        """
        if len(self.equal):
            weighted = self.equal[None] * self.free[:, None] * self.binds[:, :, None]  # [n, q, p]
            gram = weighted @ self.equal.t()  # singular where equations follow from each other or bind nothing
            excess = (self.binds * (shift @ self.equal.t()))[:, :, None]
            shift = shift - (
                weighted.transpose(1, 2) @ (torch.linalg.pinv(gram, rtol=_DEPENDENT, hermitian=True) @ excess)
            ).squeeze(2)
        limit = torch.where(shift > 0, up, down)
        share = torch.where(shift != 0, limit / shift.abs().clamp_min(1e-12), torch.ones_like(shift)).amin(1)
        if len(self.at_most):
            towards = shift @ self.at_most.t()
            fits = torch.where(towards > 0, self.room / towards.clamp_min(1e-12), torch.ones_like(towards))
            share = torch.minimum(share, fits.amin(1))
        return shift * share.clamp(0.0, 1.0)[:, None]

    def hold(self, shift: Tensor) -> Tensor:
        """Return which rows [n] satisfy every relation after a shift, to within rounding."""
        kept = (shift @ self.at_most.t() <= self.room + _TOLERANCE).all(1)
        return kept & ((self.binds * (shift @ self.equal.t())).abs() <= _TOLERANCE).all(1)
