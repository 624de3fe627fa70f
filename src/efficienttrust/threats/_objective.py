"""What an attack pushes down: the margin of every row towards its own label, and losses that order points like it.

Letters: z logits [m, K], or the one logit of a binary model [m]; y label; π_k the class with the k-th largest logit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

Answer = Callable[[Tensor], Tensor]
"""Points [m, ...] to logits [m, K], or to the margin of the positive class [m]."""

LOSSES = ("margin", "cross_entropy", "dlr", "targeted_dlr")
FEWEST_CLASSES = {"margin": 2, "cross_entropy": 2, "dlr": 3, "targeted_dlr": 4}
"""Classes that a loss needs; with fewer the margin takes its place."""


@dataclass(frozen=True, eq=False)
class Objective:
    """A bound model with the labels of its rows; calling it gives the margin, > 0 where the row is right.

    Attributes:
        answer: The model on these rows.
        y: [m] labels, class numbers.
        target: [m] class to be mistaken for, for targeted losses; None otherwise.
    """

    answer: Answer
    y: Tensor
    target: Tensor | None = None

    def __call__(self, points: Tensor) -> Tensor:
        """Return the margin of each row: z_y minus the largest other logit, or the signed margin of a binary model."""
        return self.margin(self.answer(points))

    def margin(self, logits: Tensor) -> Tensor:
        """Return the margins [m] of answers; an answer that is no number is as wrong as can be."""
        if logits.ndim == 1:
            margin = (2 * self.y - 1).to(logits.dtype) * logits
        else:
            margin = self._own(logits) - self._others(logits).amax(1)
        return torch.where(margin.isnan(), -torch.inf, margin)

    def right(self, logits: Tensor) -> Tensor:
        """Return where the decision is the label, ties decided as the model decides them; NaN is never right.

        A binary model decides positive where its margin is above 0, any other takes the first of the largest logits.
        """
        if logits.ndim == 1:
            return (logits > 0) == (self.y > 0) if not bool(logits.isnan().any()) else self._finite_right(logits)
        return (logits.argmax(1) == self.y) & ~logits.isnan().any(1)

    def loss(self, logits: Tensor, kind: str) -> Tensor:
        """Return a loss [m] to descend: the lower, the nearer a row is to being mistaken.

        Args:
            logits: Answers.
            kind: `margin`; `cross_entropy`: log-likelihood of the label; `dlr`: the margin in units of z_π1 − z_π3,
                which no rescaling of the logits changes (Croce and Hein 2020); `targeted_dlr`: z_y − z_target in units
                of z_π1 − (z_π3 + z_π4) / 2, and as it is where there are three classes.
        """
        if kind == "targeted_dlr" and self.target is not None and logits.ndim == 2 and logits.shape[1] == 3:
            return self._own(logits) - logits.gather(1, self.target[:, None]).squeeze(1)
        if logits.ndim == 1 or kind == "margin" or logits.shape[1] < FEWEST_CLASSES[kind]:
            # One logit: the likelihood is a rising function of the margin, whose gradient does not vanish.
            return self.margin(logits)
        if kind == "cross_entropy":
            return -functional.cross_entropy(logits, self.y, reduction="none")
        ranked = logits.topk(FEWEST_CLASSES[kind], dim=1).values
        if kind == "dlr":
            return self.margin(logits) / (ranked[:, 0] - ranked[:, 2] + 1e-12)
        assert self.target is not None
        aim = logits.gather(1, self.target[:, None]).squeeze(1)
        return (self._own(logits) - aim) / (ranked[:, 0] - 0.5 * (ranked[:, 2] + ranked[:, 3]) + 1e-12)

    def _own(self, logits: Tensor) -> Tensor:
        return logits.gather(1, self.y[:, None]).squeeze(1)

    def _others(self, logits: Tensor) -> Tensor:
        return logits.scatter(1, self.y[:, None], -torch.inf)

    def _finite_right(self, logits: Tensor) -> Tensor:
        return ((logits > 0) == (self.y > 0)) & ~logits.isnan()
