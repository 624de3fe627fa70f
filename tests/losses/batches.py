"""Batches for the tests of fairness penalties."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from efficienttrust.losses import FairnessPenalty


@dataclass(frozen=True, eq=False)
class Batch:
    """Scores [n], labels [n] and one-hot membership [n, G]."""

    scores: Tensor
    y: Tensor
    membership: Tensor


def draw(seed: int, *, n: int = 120, n_groups: int = 3, spread: float = 0.2) -> Batch:
    """Draw a batch whose groups have different mean scores and whose cells are all filled."""
    rng = np.random.default_rng(seed)
    groups = np.arange(n) % n_groups
    y = (np.arange(n) // n_groups) % 2
    scores = np.clip(0.3 + spread * groups + 0.1 * y + 0.1 * rng.normal(size=n), 0.01, 0.99)
    return batch(scores, y, groups, n_groups)


def batch(scores: np.ndarray, y: np.ndarray, groups: np.ndarray, n_groups: int) -> Batch:
    """Lay out arrays as a batch; a group of -1 is unknown."""
    membership = np.eye(n_groups)[groups] * (groups >= 0)[:, None]
    return Batch(*(torch.tensor(array, dtype=torch.float32) for array in (scores, y, membership)))


def value_and_gradient(penalty: FairnessPenalty, of: Batch) -> tuple[float, Tensor]:
    """Return the penalty of a batch and its gradient with respect to the scores."""
    value, gradient = penalty.value_and_gradient(of.scores, of.y, of.membership)
    assert value.shape == ()
    assert gradient.shape == of.scores.shape
    return float(value), gradient
