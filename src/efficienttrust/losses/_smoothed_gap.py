"""The gap between groups of a mean score, smoothed over batches: the brick of every fairness penalty.

Letters: s_i score of row i; r_g mean score of group g; G groups; m the running mean of r_g over batches.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor

from efficienttrust.registry import Registry

MEMORY = 0.9  # of the running mean: about ten batches
LINEAR_BELOW = 0.02  # a group nearer than this to the mean rate is pushed in proportion, a farther one at full strength


class FairnessPenalty(Protocol):
    """A differentiable stand-in for a fairness metric."""

    def value_and_gradient(self, scores: Tensor, y: Tensor, membership: Tensor) -> tuple[Tensor, Tensor]:
        """Return the penalty of a batch (a scalar, about the size of the metric) and its gradient [n] by the scores.

        The gradient is written by hand: on a batch of 256 rows autograd would cost more than the penalty itself.

        Args:
            scores: [n] probabilities.
            y: [n] labels, 0 or 1, as floats.
            membership: [n, G] group membership: one-hot, times the row's weight where rows are weighted; a row of zeros
                belongs to no known group.
        """
        ...

    def forget(self) -> None:
        """Drop the running means, as the penalty was turned off."""
        ...

    def state_dict(self) -> dict[str, Tensor]:
        """Return the running means, for a checkpoint."""
        ...

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take the running means of a checkpoint."""
        ...


penalties: Registry[type[FairnessPenalty]] = Registry("fairness penalty", "efficienttrust.losses.catalogue")


class SmoothedGap:
    """Sum over groups of |r_g − mean of r|: for two groups exactly their gap, once it is not small.

    The direction in which each group is pushed comes from the running mean m, the gradient from the batch. A group
    without rows in the batch contributes its running mean, hence no gradient. A group is only compared once seen.
    The few numbers per group are Python floats: on a batch of 256 rows the overhead of small tensor operations would be
    a tenth of a training step.
    """

    def __init__(self) -> None:
        self._mean: list[float] = []  # per group, NaN until it has been seen

    def value_and_gradient(self, scores: Tensor, membership: Tensor) -> tuple[Tensor, Tensor]:
        """Return the penalty of a batch and its gradient [n]: scores [n] against membership [n, G]."""
        counts: list[float] = membership.sum(0).tolist()
        sums: list[float] = membership.t().mv(scores).tolist()
        self._remember(counts, sums)
        pushes = self._pushes()
        absent = sum(
            push * mean for push, mean, n in zip(pushes, self._mean, counts, strict=True) if n <= 0 and push != 0
        )
        per_group = [push / n if n > 0 else 0.0 for push, n in zip(pushes, counts, strict=True)]
        gradient = membership.mv(torch.tensor(per_group))
        return torch.dot(gradient, scores) + absent, gradient

    def forget(self) -> None:
        """Drop the running mean."""
        self._mean = []

    def state_dict(self) -> dict[str, Tensor]:
        """Return the running mean, for a checkpoint."""
        return {"mean": torch.tensor(self._mean, dtype=torch.float64)}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take the running mean of a checkpoint."""
        self._mean = state["mean"].tolist()

    def _remember(self, counts: list[float], sums: list[float]) -> None:
        if not self._mean:
            self._mean = [math.nan] * len(counts)
        for group, (n, total) in enumerate(zip(counts, sums, strict=True)):
            if n > 0:
                before, rate = self._mean[group], total / n
                self._mean[group] = rate if math.isnan(before) else MEMORY * before + (1 - MEMORY) * rate

    def _pushes(self) -> list[float]:
        """Return how hard each group's rate is pushed down (negative: up); the pushes sum to zero."""
        known = [mean for mean in self._mean if not math.isnan(mean)]
        if not known:
            return [0.0] * len(self._mean)
        centre = math.fsum(known) / len(known)
        strengths = [min(max((mean - centre) / LINEAR_BELOW, -1.0), 1.0) for mean in known]
        shift = math.fsum(strengths) / len(known)
        pushed = iter(strengths)
        return [0.0 if math.isnan(mean) else next(pushed) - shift for mean in self._mean]
