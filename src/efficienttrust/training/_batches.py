"""The training split as tensors in memory, and one shuffled gather per batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from efficienttrust.data import Problem, Split
from efficienttrust.evaluation.splits import one_hot, steering_codes
from efficienttrust.threats import Reach, reach
from efficienttrust.threats.catalogue.n_fgsm import NOISE

NOISE_REACH = NOISE + 1.0  # N-FGSM may leave the ball by its noise (plus one radius of step), never the domain


def batch_size_for(n_rows: int) -> int:
    """Return a power of two in [32, 256] that makes about twenty steps an epoch or more."""
    return int(min(256, max(32, 2 ** int(np.log2(max(n_rows, 1) / 20 + 1)))))


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Tensors of the training split.

    Attributes:
        x: [n, d] inputs.
        y: [n] labels as floats.
        weight: [n] sample weights of mean 1, or None.
        members: Membership [n, G] per attribute that a penalty needs: one-hot, times the row's weight.
        radius: [n, p] how far an attack may move each numeric value; None without a robustness target.
        room: Reach inside the domain at `NOISE_REACH` radii, to clip N-FGSM; None without a robustness target.
        soft: [n] labels mixed with a teacher's probabilities; None learns the labels as they are.
    """

    x: Tensor
    y: Tensor
    weight: Tensor | None
    members: dict[str, Tensor]
    radius: Tensor | None
    room: Reach | None
    soft: Tensor | None = None

    @classmethod
    def of(
        cls, problem: Problem, split: Split, attributes: Sequence[str], eps: float, soft: Tensor | None = None
    ) -> TrainingData:
        """Lay out a split for training against the given attributes and radius."""
        x = torch.from_numpy(split.x)
        weight = None if split.weight is None else torch.from_numpy(split.weight / split.weight.mean())
        members = {
            name: torch.from_numpy(one_hot(*steering_codes(problem, split, name))) for name in dict.fromkeys(attributes)
        }
        if weight is not None:
            members = {name: one * weight[:, None] for name, one in members.items()}
        near = reach(problem.domain, x, eps) if eps > 0 else None
        room = reach(problem.domain, x, NOISE_REACH * eps, whole_units=False) if eps > 0 else None
        return cls(
            x,
            torch.from_numpy(split.y.astype(np.float32)),
            weight,
            members,
            None if near is None else near.radius,
            room,
            soft,
        )


class Shuffler:
    """An endless stream of batches: a fresh permutation per epoch, the short rest of an epoch dropped.

    Args:
        n_rows: Number of training rows.
        batch_size: Rows per batch; a training split smaller than it is one batch.
        generator: Source of the permutations.
    """

    def __init__(self, n_rows: int, batch_size: int, generator: torch.Generator) -> None:
        self.batch_size = min(batch_size, n_rows)
        self._n, self._generator = n_rows, generator
        self._order = torch.empty(0, dtype=torch.int64)
        self._position = 0

    def next(self) -> Tensor:
        """Return the row numbers of the next batch."""
        if self._position + self.batch_size > len(self._order):
            self._order, self._position = torch.randperm(self._n, generator=self._generator), 0
        rows = self._order[self._position : self._position + self.batch_size]
        self._position += self.batch_size
        return rows

    def state_dict(self) -> dict[str, Tensor | int]:
        """Return the present permutation, the place in it, and where the generator stands."""
        return {"order": self._order, "position": self._position, "generator": self._generator.get_state()}

    def load_state_dict(self, state: dict[str, Tensor | int]) -> None:
        """Take the place of a checkpoint."""
        order, position, generator = state["order"], state["position"], state["generator"]
        assert isinstance(order, Tensor)
        assert isinstance(position, int)
        assert isinstance(generator, Tensor)
        self._order, self._position = order, position
        self._generator.set_state(generator)
