"""The groups that interventions level out: those of the fairness targets, or the intersections of all attributes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from efficienttrust.data import Problem
from efficienttrust.evaluation.splits import steering_codes


@dataclass(frozen=True, eq=False)
class Groups:
    """Groups and labels of the training rows.

    Attributes:
        codes: [n] int64 group of each row; -1 where it is not known or too small to steer by.
        count: G, the number of groups.
        y: [n] labels: int64 classes, or numbers.
        weight: [n] sample weights, ones where there are none.
        notions: Names of the fairness penalties of the targets, without repetition; empty without such a target.
        task: `binary`, `multiclass` or `regression`.
    """

    codes: Tensor
    count: int
    y: Tensor
    weight: Tensor
    notions: tuple[str, ...]
    task: str = "binary"

    @property
    def known(self) -> Tensor:
        """Return which rows have a group, bool [n]."""
        return self.codes >= 0

    @cached_property
    def shares(self) -> Tensor:
        """Return the share of each group in the known rows, by weight, [G]."""
        return self.sums(self.codes, self.weight) / self.weight[self.known].sum()

    @property
    def comparable(self) -> bool:
        """Return whether at least two groups have training rows."""
        return len(torch.unique(self.codes[self.known])) >= 2

    def sums(self, codes: Tensor, values: Tensor) -> Tensor:
        """Return the sum of values [m] over each group, [G]; rows without a group do not count."""
        sums = values.new_zeros(self.count + 1)
        return sums.index_add_(0, torch.where(codes < 0, self.count, codes), values)[: self.count]


def groups_of(problem: Problem, penalties: Sequence[tuple[str, str]]) -> Groups:
    """Return the groups of the training rows of a problem.

    They are those of the attribute that the fairness targets name; the intersections of all attributes where they name
    several, or where there is no such target.

    Args:
        problem: The problem.
        penalties: (penalty, attribute or "" for the intersections) of each fairness target.
    """
    train = problem.splits["train"]
    attributes = list(dict.fromkeys(attribute for _, attribute in penalties))
    codes, count = steering_codes(problem, train, attributes[0] if len(attributes) == 1 else "")
    weight = np.ones(len(train)) if train.weight is None else train.weight / train.weight.mean()
    y = np.asarray(train.y)
    return Groups(
        torch.from_numpy(codes.astype(np.int64)),
        count,
        torch.from_numpy(y.astype(np.float32 if problem.task == "regression" else np.int64)),
        torch.from_numpy(weight.astype(np.float32)),
        tuple(dict.fromkeys(notion for notion, _ in penalties)),
        problem.task,
    )
