"""The training split as tensors in memory, and one shuffled gather per batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True, eq=False)
class Composition:
    """What a batch is to consist of.

    Attributes:
        cells: [n] int64 cell of each training row.
        shares: Share of each cell in a batch; they sum to 1, and a cell without rows has 0.
    """

    cells: Tensor
    shares: tuple[float, ...]


class Shuffler:
    """An endless stream of batches: a fresh permutation per epoch, the short rest of an epoch dropped.

    A batch may be composed by cells instead. Composed batches draw from a stream of their own, which begins where the
    plain one stands and ends with the next plain batch: that one is what it would have been without them.

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
        self._composer: Composer | None = None

    def next(self, composition: Composition | None = None) -> Tensor:
        """Return the row numbers of the next batch.

        Args:
            composition: What it consists of; None draws from all rows alike.
        """
        if composition is not None:
            if self._composer is None:
                self._composer = Composer(self._generator.get_state())
            return self._composer.next(self.batch_size, composition)
        self._composer = None
        if self._position + self.batch_size > len(self._order):
            self._order, self._position = torch.randperm(self._n, generator=self._generator), 0
        rows = self._order[self._position : self._position + self.batch_size]
        self._position += self.batch_size
        return rows

    def state_dict(self) -> dict[str, Any]:
        """Return the present permutation, the place in it, where the generator stands, and composed batches."""
        composer = None if self._composer is None else self._composer.state_dict()
        return {
            "order": self._order,
            "position": self._position,
            "generator": self._generator.get_state(),
            "composer": composer,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the place of a checkpoint."""
        self._order, self._position = state["order"], state["position"]
        self._generator.set_state(state["generator"])
        composer = state["composer"]
        self._composer = None if composer is None else Composer(composer["generator"])
        if self._composer is not None:
            self._composer.load_state_dict(composer)


class Composer:
    """Draws batches of which each cell has its share, without repeating a row of a cell before all had their turn.

    Counts are whole; what rounding leaves over is carried to the next batch.

    Args:
        state: Of the generator to begin with.
    """

    def __init__(self, state: Tensor) -> None:
        self._generator = torch.Generator()
        self._generator.set_state(state)
        self._waiting: dict[int, Tensor] = {}  # rows of a cell that have not had their turn
        self._carried: list[float] = []

    def next(self, size: int, composition: Composition) -> Tensor:
        """Return the rows of a batch, in random order."""
        shares = composition.shares
        carried = self._carried or [0.0] * len(shares)
        wanted = [share * size + left for share, left in zip(shares, carried, strict=True)]
        counts = [max(math.floor(one), 0) for one in wanted]
        left = [
            one - count if share > 0 else -math.inf for one, count, share in zip(wanted, counts, shares, strict=True)
        ]
        for cell in sorted(range(len(left)), key=left.__getitem__, reverse=True)[: max(size - sum(counts), 0)]:
            counts[cell] += 1
        self._carried = [one - count for one, count in zip(wanted, counts, strict=True)]
        drawn = torch.cat([self._draw(cell, count, composition) for cell, count in enumerate(counts) if count])
        return drawn[torch.randperm(len(drawn), generator=self._generator)[:size]]

    def state_dict(self) -> dict[str, Any]:
        """Return who waits, what is carried, and where the generator stands."""
        return {
            "waiting": dict(self._waiting),
            "carried": list(self._carried),
            "generator": self._generator.get_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the place of a checkpoint."""
        self._waiting, self._carried = dict(state["waiting"]), list(state["carried"])
        self._generator.set_state(state["generator"])

    def _draw(self, cell: int, count: int, composition: Composition) -> Tensor:
        drawn = self._waiting.get(cell, torch.empty(0, dtype=torch.int64))
        if len(drawn) < count:
            own = torch.nonzero(composition.cells == cell).squeeze(1)
            while len(drawn) < count:
                drawn = torch.cat([drawn, own[torch.randperm(len(own), generator=self._generator)]])
        self._waiting[cell] = drawn[count:]
        return drawn[:count]
