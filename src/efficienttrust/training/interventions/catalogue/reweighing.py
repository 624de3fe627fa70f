"""Re-weighing: rows count so that group and label are independent (Kamiran and Calders 2012)."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from efficienttrust.training.interventions._groups import Groups
from efficienttrust.training.interventions._intervention import Answers, Effect, interventions


@interventions.register("reweighing")
class Reweighing:
    """Weighs a row of group g and label y by (P(g) P(y) / P(g, y))^r, with mean 1 over the rows with a group.

    Differs from the paper in the exponent r, its setting: 1 is the paper's weight, below it less of it. Rows without a
    group count 1. Shares are by sample weight.

    Args:
        groups: Groups and labels of the training rows.
    """

    tasks: ClassVar[frozenset[str]] = frozenset({"binary", "multiclass"})
    needs_answers: ClassVar[bool] = False
    row_flops = 1.0

    def __init__(self, groups: Groups) -> None:
        known, classes = groups.known, int(groups.y.max()) + 1
        codes, y, weight = groups.codes[known], groups.y[known], groups.weight[known].double()
        table = weight.new_zeros(groups.count * classes).index_add_(0, codes * classes + y, weight)
        joint = (table / weight.sum()).view(groups.count, classes)
        expected = joint.sum(1, keepdim=True) * joint.sum(0, keepdim=True)
        self._known, self._weight = known, weight
        self._ratio = (expected / joint)[codes, y]  # rows are there, so no joint share of theirs is 0
        self._setting, self._factor = 0.0, torch.ones(0)

    def take(self, answers: Answers, setting: float) -> Effect:
        """Return the weights of the rows of a batch."""
        if setting != self._setting:
            self._setting, self._factor = setting, self._at(setting)
        return Effect(self._factor.index_select(0, answers.rows))

    def forget(self) -> None:
        """Do nothing: weights depend on the setting alone."""

    def state_dict(self) -> dict[str, Any]:
        """Return nothing: weights depend on the setting alone."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Do nothing."""

    def _at(self, setting: float) -> Tensor:
        powered = self._ratio.pow(setting)
        factor = torch.ones(len(self._known))
        factor[self._known] = (powered * self._weight.sum() / (powered * self._weight).sum()).float()
        return factor
