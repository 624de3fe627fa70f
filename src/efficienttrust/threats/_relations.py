"""Linear relations between numeric columns, as an attack has to respect them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

_TOLERANCE = 1e-4  # in encoded units: float32 sums of a few columns


@dataclass(frozen=True, eq=False)
class EncodedRelations:
    """Relations on the shifts of n rows: `at_most @ shift <= room` and `equal @ shift == 0`.

    Attributes:
        at_most: [r, p] coefficients of the inequalities.
        room: [n, r] how far each row may still go towards each bound (>= 0).
        equal: [q, p] coefficients of the equations.
        free: [n, p] 1 where a cell may move, 0 elsewhere.
    """

    at_most: Tensor
    room: Tensor
    equal: Tensor
    free: Tensor

    @classmethod
    def around(cls, origin: Tensor, free: Tensor, relations: Sequence[tuple[Tensor, float, bool]]) -> EncodedRelations:
        """Return the relations as seen from clean rows [n, p]; a broken one leaves no room to break it further."""
        upper = [(coefficients, bound) for coefficients, bound, equal in relations if not equal]
        at_most = torch.stack([c for c, _ in upper]) if upper else origin.new_zeros(0, origin.shape[1])
        bounds = origin.new_tensor([bound for _, bound in upper])
        equations = [coefficients for coefficients, _, equal in relations if equal]
        equal = torch.stack(equations) if equations else origin.new_zeros(0, origin.shape[1])
        return cls(at_most, (bounds - origin @ at_most.t()).clamp_min(0.0), equal, free)

    def rows(self, index: Tensor) -> EncodedRelations:
        """Return the relations of a selection of the rows."""
        return replace(self, room=self.room[index], free=self.free[index])

    def project(self, shift: Tensor, down: Tensor, up: Tensor) -> Tensor:
        """Return a shift inside the box [-down, up] that satisfies the relations.

        Equations: the part of the shift that changes them is taken out, within the cells that may move. Then the whole
        shift is shortened until it fits box and inequalities; all of them hold at no shift, so this ends inside.
        """
        if len(self.equal):
            weighted = self.equal[None] * self.free[:, None]  # [n, q, p]
            gram = weighted @ self.equal.t() + 1e-9 * torch.eye(len(self.equal), dtype=shift.dtype)
            excess = (shift @ self.equal.t())[:, :, None]
            shift = shift - (weighted.transpose(1, 2) @ torch.linalg.solve(gram, excess)).squeeze(2)
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
        return kept & ((shift @ self.equal.t()).abs() <= _TOLERANCE).all(1)
