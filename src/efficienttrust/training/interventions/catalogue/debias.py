"""Adversarial debiasing: an adversary reads the group off the score, and the network learns to fail it."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from efficienttrust.training.interventions._groups import Groups
from efficienttrust.training.interventions._intervention import Answers, Effect, interventions
from efficienttrust.training.interventions._notions import strata_of

RATE = 0.05  # of the adversary's own Adam
BETAS = (0.9, 0.999)


@interventions.register("debias")
class Debias:
    """Adds minus the loss of an adversary, times its setting (Zhang, Lemoine and Mitchell 2018).

    The adversary is a softmax over the groups, linear in the score, with its own optimiser. It is one for all rows
    where the targets want demographic parity, one for the positives where they want equal opportunity, and one for each
    label where they want equalized odds: that is the paper's adversary that knows the label. Its loss is the mean over
    these. It begins with the shares of the groups. Differs from the paper in that the gradient of the network is not
    projected; rows without a group, and strata that a batch lacks, take no part.

    Args:
        groups: Groups and labels of the training rows.
    """

    tasks: ClassVar[frozenset[str]] = frozenset({"binary"})
    needs_answers: ClassVar[bool] = True

    def __init__(self, groups: Groups) -> None:
        self._groups, self._strata = groups, strata_of(groups.notions)
        self._weight = groups.weight * groups.known  # rows without a group take no part
        self._members = functional.one_hot(groups.codes.clamp_min(0), groups.count).float()
        self._weights, self._moments, self._steps = self._fresh()

    @property
    def row_flops(self) -> float:
        """Return the floating-point operations for each row: forward and backward of two weights a group."""
        return 12.0 * self._groups.count * len(self._strata)

    def take(self, answers: Answers, setting: float) -> Effect:
        """Return minus the adversary's loss with its gradient, and let the adversary learn from the same batch."""
        members = self._members.index_select(0, answers.rows)
        weight = self._weight.index_select(0, answers.rows)
        s, y = answers.scores, answers.y
        centred = 2.0 * s - 1.0
        value, pull = s.new_zeros(()), torch.zeros_like(s)
        slopes = torch.zeros_like(self._weights)
        for index, label in enumerate(self._strata):
            counted = weight if label is None else weight * (y == label)
            total = float(counted.sum())
            if total <= 0:
                continue
            share = counted / (total * len(self._strata))
            slope, bias = self._weights[index]
            logs = torch.log_softmax(torch.addmm(bias, centred[:, None], slope[None]), dim=1)
            value = value - torch.dot(share, (logs * members).sum(1))
            error = logs.exp_().sub_(members).mul_(share[:, None])
            pull.addmv_(error, slope, alpha=2.0)
            slopes[index, 0], slopes[index, 1] = error.t().mv(centred), error.sum(0)
        self._learn(slopes)
        slope_of_score = torch.addcmul(s, s, s, value=-1.0)
        return Effect(None, -setting * value, pull.mul_(slope_of_score).mul_(-setting))

    def forget(self) -> None:
        """Begin with an adversary that knows the shares of the groups alone."""
        self._weights, self._moments, self._steps = self._fresh()

    def state_dict(self) -> dict[str, Any]:
        """Return the adversary and its optimiser."""
        return {"weights": self._weights.clone(), "moments": self._moments.clone(), "steps": self._steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the state of a checkpoint."""
        self._weights, self._moments = state["weights"].clone(), state["moments"].clone()
        self._steps = int(state["steps"])

    def _learn(self, slopes: Tensor) -> None:
        """Take a step of Adam, by hand: on a dozen weights the overhead of an optimiser is most of its cost."""
        self._steps += 1
        first, second = self._moments
        first.lerp_(slopes, 1.0 - BETAS[0])
        second.lerp_(slopes.square(), 1.0 - BETAS[1])
        size = (second / (1.0 - BETAS[1] ** self._steps)).sqrt_().add_(1e-8)
        self._weights.addcdiv_(first, size, value=-RATE / (1.0 - BETAS[0] ** self._steps))

    def _fresh(self) -> tuple[Tensor, Tensor, int]:
        groups = self._groups
        weights = torch.zeros(len(self._strata), 2, groups.count)
        for index, label in enumerate(self._strata):
            weights[index, 1] = torch.log(self._counts(label).clamp_min(1e-3) / groups.count)
        return weights, torch.zeros(2, *weights.shape), 0

    def _counts(self, label: int | None) -> Tensor:
        """Return the weight of each group's training rows with a label, [G]."""
        groups = self._groups
        return groups.sums(groups.codes, groups.weight if label is None else groups.weight * (groups.y == label))
