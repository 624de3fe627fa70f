"""What boosted trees learn from, and how far their sums are from the labels, for each task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from efficienttrust.data import Problem, Split
from efficienttrust.training._memory import row_losses


@dataclass(frozen=True, eq=False)
class Ground:
    """Rows that trees grow on.

    Attributes:
        x: [n, d] encoded rows.
        y: [n] class codes, or numbers.
        weight: [n] sample weights with a mean of 1, as what regularises a tree counts in rows; None where all are 1.
        task: `binary`, `multiclass` or `regression`.
        outputs: K, the number of forests: one, or one for each of more than two classes.
    """

    x: NDArray[np.float32]
    y: NDArray[Any]
    weight: NDArray[np.float32] | None
    task: str
    outputs: int


def ground_of(problem: Problem) -> Ground:
    """Return the training rows of a problem."""
    train = problem.splits["train"]
    weight = None if train.weight is None else train.weight / train.weight.mean()
    return Ground(train.x, train.y, weight, problem.task, problem.outputs)


def loss_of(z: NDArray[np.float64], rows: Split, task: str) -> float:
    """Return the mean loss of sums of trees on rows of a split, each row by its weight.

    Args:
        z: [n] logits or numbers, [n, K] logits of more than two classes.
        rows: The rows.
        task: `binary` and `multiclass` have the log-loss; `regression` the squared error in variances of the label.
    """
    if task == "regression":
        y = rows.y.astype(np.float64)
        spread = np.average((y - np.average(y, weights=rows.weight)) ** 2, weights=rows.weight)
        return float(np.average((z - y) ** 2, weights=rows.weight) / (spread or 1.0))
    losses = row_losses(torch.from_numpy(z), torch.from_numpy(rows.y)).numpy()
    return float(np.average(losses, weights=rows.weight))


def utility_on(z: NDArray[np.float64], rows: Split, task: str) -> float:
    """Return the accuracy of sums of trees on rows of a split; R squared, at least 0, of a regression."""
    if task == "regression":
        return max(0.0, 1.0 - loss_of(z, rows, task))
    decided = z.argmax(axis=1) if task == "multiclass" else z > 0
    return float(np.average(decided == rows.y, weights=rows.weight))
