"""What an intervention is told, what it answers, and how it is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

from efficienttrust.registry import Registry
from efficienttrust.training.interventions._groups import Groups


class Answers:
    """What the network says of the whole batch, before any intervention.

    Args:
        rows: [n] training rows of the batch.
        y: [n] their labels.
        z: [n] logits, detached, on the CPU; of more than two classes empty.
        losses: Returns the loss [n] of each row, times its weight; asked where it is needed.
        scores: [n] probabilities of the positive class, where they are known already.
    """

    def __init__(
        self, rows: Tensor, y: Tensor, z: Tensor, losses: Callable[[], Tensor], scores: Tensor | None = None
    ) -> None:
        self.rows, self.y, self.z, self._losses = rows, y, z, losses
        self.scores = torch.sigmoid(z) if scores is None else scores

    @property
    def losses(self) -> Tensor:
        """Return the loss of each row, times its weight, [n]."""
        return self._losses()


@dataclass(frozen=True, eq=False)
class Effect:
    """What is done to the loss L = mean of factor × loss of the row, plus value.

    Attributes:
        factor: [n] factors on the losses of the rows; None leaves them as they are.
        value: What is added to the loss.
        gradient: [n] gradient of `value` by the logits; None where nothing is added.
    """

    factor: Tensor | None = None
    value: Tensor | float = 0.0
    gradient: Tensor | None = None

    def __add__(self, other: Effect) -> Effect:
        """Return both effects at once: factors multiply, values add up."""
        return Effect(
            _both(self.factor, other.factor, torch.mul),
            self.value + other.value,
            _both(self.gradient, other.gradient, torch.add),
        )


class Intervention(Protocol):
    """One fairness intervention, by the name of its dial.

    Attributes:
        tasks: Tasks for which it is defined.
        needs_answers: Whether it must know what the network says of the whole batch.
    """

    tasks: ClassVar[frozenset[str]]
    needs_answers: ClassVar[bool]

    def __init__(self, groups: Groups) -> None: ...

    @property
    def row_flops(self) -> float:
        """Return the floating-point operations for each row of a batch."""
        ...

    def take(self, answers: Answers, setting: float) -> Effect:
        """Return the effect on a batch at a setting above zero, and remember what the next batch depends on."""
        ...

    def forget(self) -> None:
        """Drop all state, as the dial stands at zero."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Return what changes from batch to batch."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the state of a checkpoint."""
        ...


interventions: Registry[type[Intervention]] = Registry(
    "fairness intervention", "efficienttrust.training.interventions.catalogue"
)


def _both(one: Tensor | None, other: Tensor | None, together: Callable[[Tensor, Tensor], Tensor]) -> Tensor | None:
    if one is None or other is None:
        return other if one is None else one
    return together(one, other)
