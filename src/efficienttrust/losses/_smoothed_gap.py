"""The gap between groups of a mean score, smoothed over batches: the brick of every fairness penalty.

Letters: s_i score of row i; r_g mean score of group g; G groups; m the running mean of r_g over batches.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from efficienttrust.registry import Registry

MEMORY = 0.9  # of the running mean: about ten batches
LINEAR_BELOW = 0.02  # gaps smaller than this are pushed in proportion, larger ones at full strength


class FairnessPenalty(Protocol):
    """A differentiable stand-in for a fairness metric."""

    def __call__(self, scores: Tensor, y: Tensor, membership: Tensor) -> Tensor:
        """Return the penalty (a scalar, about the size of the metric) of a batch.

        Args:
            scores: [n] probabilities with gradient.
            y: [n] labels, 0 or 1, as floats.
            membership: [n, G] one-hot group membership; a row of zeros belongs to no known group.
        """
        ...

    def state_dict(self) -> dict[str, Tensor]:
        """Return the running means, for a checkpoint."""
        ...

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take the running means of a checkpoint."""
        ...


penalties: Registry[type[FairnessPenalty]] = Registry("fairness penalty", "efficienttrust.losses.catalogue")


class SmoothedGap:
    """Sum over groups of |r_g − mean of r|: for two groups exactly their gap.

    The direction in which each group is pushed comes from the running mean m, the gradient from the batch. A group
    without rows in the batch contributes its running mean, hence no gradient. A group is only compared once seen.
    """

    def __init__(self) -> None:
        self._mean: Tensor | None = None  # [G], NaN until a group has been seen

    def __call__(self, scores: Tensor, membership: Tensor) -> Tensor:
        """Return the penalty of a batch: scores [n] against membership [n, G]."""
        counts = membership.sum(0)
        present = counts > 0
        rates = membership.t().mv(scores) / counts.clamp(min=1.0)
        batch = rates.detach()
        if self._mean is None:
            self._mean = torch.full_like(batch, torch.nan)
        fresh = torch.where(torch.isnan(self._mean), batch, MEMORY * self._mean + (1 - MEMORY) * batch)
        self._mean = torch.where(present, fresh, self._mean)
        known = ~torch.isnan(self._mean)
        n_known = known.sum().clamp(min=1)
        smooth = torch.where(known, self._mean, torch.zeros_like(batch))
        centre = smooth.sum() / n_known
        push = ((smooth - centre) / LINEAR_BELOW).clamp(-1.0, 1.0) * known
        # Rates enter relative to the mean rate, so pushes are centred; absent groups carry no gradient.
        centred = push - push.sum() / n_known * known
        return (centred * torch.where(present, rates, smooth)).sum()

    def state_dict(self) -> dict[str, Tensor]:
        """Return the running mean, for a checkpoint."""
        return {} if self._mean is None else {"mean": self._mean.clone()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take the running mean of a checkpoint."""
        self._mean = state["mean"].clone() if "mean" in state else None
