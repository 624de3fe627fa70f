"""What the loop asks of whoever holds the weights: the fast path of table networks, and any torch module."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol

from torch import Tensor, nn

from efficienttrust.atats import TrustAction
from efficienttrust.compression import Scorer
from efficienttrust.training._batches import Composition


class Stepping(Protocol):
    """Holds what a step changes, and takes steps."""

    learning_rate: float
    held: frozenset[str]  # dials that it does not carry out

    @property
    def network(self) -> nn.Module:
        """Return the network in training."""
        ...

    @property
    def n_rows(self) -> int:
        """Return the number of training rows."""
        ...

    @property
    def robust(self) -> bool:
        """Return whether there is something to attack."""
        ...

    def drawn(self, action: TrustAction) -> TrustAction:
        """Return the action of the step that follows: the one in force, or one drawn from what it describes."""
        ...

    def composition(self, action: TrustAction) -> Composition | None:
        """Return how the next batch is to be composed; None draws it from all rows alike."""
        ...

    def batch(self, rows: Tensor, action: TrustAction) -> Tensor:
        """Return the inputs of training rows; the caller may write to them."""
        ...

    def attack(self, x: Tensor, rows: Tensor, action: TrustAction) -> Tensor:
        """Return the batch with its adversarial share attacked."""
        ...

    def step(self, x: Tensor, rows: Tensor, action: TrustAction, learning_rate: float) -> Tensor:
        """Take one optimiser step on a batch and return its loss, detached."""
        ...

    def advance(self, progress: float) -> None:
        """Do what is due at a share of the training, in [0, 1], before the step that follows."""
        ...

    def as_deployed(self) -> AbstractContextManager[None]:
        """Let the body see the weights as they will be deployed."""
        ...

    def scorer(self) -> Scorer:
        """Return the present network, frozen."""
        ...

    def forward_flops(self) -> float:
        """Return the floating-point operations of a forward pass of one row."""
        ...

    def flops(self, n_rows: int, action: TrustAction) -> float:
        """Return the floating-point operations of a step."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Return everything that a step changes."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the state of a checkpoint."""
        ...


class Adoptable(Stepping, Protocol):
    """Lets another optimiser take its steps."""

    def decays(self) -> dict[nn.Parameter, float]:
        """Return the weight decay of every parameter."""
        ...

    def adopt(self, optimizer: Any) -> None:
        """Let another optimiser take the steps."""
        ...
