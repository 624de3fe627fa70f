"""The fairness penalties of the targets: differentiable gaps, weighted by lambda_F."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from efficienttrust.losses import FairnessPenalty
from efficienttrust.training.interventions._intervention import Answers, Effect


class Penalties:
    """Adds lambda_F × the penalties; an intervention whose dial is `lambda_fair`.

    Args:
        penalties: (penalty, attribute) pairs.
        members: Membership [n, G] of all training rows per attribute.
    """

    needs_answers: ClassVar[bool] = True
    row_flops: ClassVar[float] = 0.0  # a few per group, against thousands of the network

    def __init__(self, penalties: Sequence[tuple[FairnessPenalty, str]], members: Mapping[str, Tensor]) -> None:
        self._penalties, self._members = tuple(penalties), members

    def take(self, answers: Answers, setting: float) -> Effect:
        """Return the penalties of a batch, weighted, and their gradient by the logits."""
        scores, y = answers.scores, answers.y.to(torch.float32)
        value: Tensor | float = 0.0
        gradient = torch.zeros(0)
        for penalty, name in self._penalties:
            one, pull = penalty.value_and_gradient(scores, y, self._members[name].index_select(0, answers.rows))
            value, gradient = value + one, gradient + pull if len(gradient) else pull
        slope = torch.addcmul(scores, scores, scores, value=-1.0)  # of a score by its logit
        return Effect(None, setting * value, torch.mul(gradient, slope).mul_(setting))

    def forget(self) -> None:
        """Drop the running means."""
        for penalty, _ in self._penalties:
            penalty.forget()

    def state_dict(self) -> dict[str, Any]:
        """Return the running means."""
        return {str(index): penalty.state_dict() for index, (penalty, _) in enumerate(self._penalties)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the running means of a checkpoint."""
        for index, (penalty, _) in enumerate(self._penalties):
            penalty.load_state_dict(state[str(index)])
