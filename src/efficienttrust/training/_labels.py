"""What a network learns of the labels: classes as they are, numbers standardised by the training rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from efficienttrust.data import Problem


@dataclass(frozen=True)
class Unit:
    """In what a network counts a label that is a number: its answer 0 means `shift`, and 1 means `scale` more.

    Attributes:
        shift: Mean of the training labels.
        scale: Their standard deviation.
    """

    shift: float
    scale: float


def unit_of(problem: Problem) -> Unit | None:
    """Return the unit that the labels of a regression are learned in; None for classes."""
    if problem.task != "regression":
        return None
    y = problem.splits["train"].y.astype(np.float64)
    return Unit(float(y.mean()), float(y.std()) or 1.0)


def as_labels(y: NDArray[Any], unit: Unit | None) -> Tensor:
    """Return labels as a network learns them: int64 class codes, or float32 numbers in a unit."""
    if unit is None:
        return torch.from_numpy(np.asarray(y).astype(np.int64))
    return torch.from_numpy(((y.astype(np.float64) - unit.shift) / unit.scale).astype(np.float32))
