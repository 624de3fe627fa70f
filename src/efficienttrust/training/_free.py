"""Free adversarial training: the gradient of a step moves the perturbation too (Shafahi et al. 2019).

A batch is replayed; each replay is a step of the weights, and the gradient by the inputs, which it has anyway, is a
step of the perturbation, which goes on into the next batch. Differs in that images are augmented anew in each replay,
and in that a perturbation is kept as a share of the radius of each cell, as rows of a table have radii of their own.
"""

from __future__ import annotations

import torch
from torch import Tensor

from efficienttrust.threats import reach
from efficienttrust.training._batches import NOISE_REACH
from efficienttrust.training._module_setup import ModuleSetup


class FreeShift:
    """The perturbation that is carried from step to step."""

    def __init__(self) -> None:
        self._unit: Tensor | None = None

    def of(self, like: Tensor) -> Tensor:
        """Return the perturbation of a batch, in [-1, 1] radii; zeros at the start, and where its shape has changed."""
        if self._unit is None or self._unit.shape != like.shape:
            self._unit = torch.zeros_like(like)
        return self._unit

    def take(self, gradient: Tensor) -> None:
        """Step a radius up the loss and stay within one.

        Args:
            gradient: Of the loss by the inputs as they were moved.
        """
        self._unit = self.of(gradient).add(gradient.sign()).clamp_(-1.0, 1.0)

    def forget(self) -> None:
        """Start from zeros when it is asked for again."""
        self._unit = None

    def moved(self, x: Tensor, attacked: int, setup: ModuleSetup) -> Tensor:
        """Return the first rows of a batch of a torch module, moved: [attacked, ...] images or numeric columns."""
        if setup.inputs.kind == "image":
            images = x[:attacked]
            return (images + setup.eps * self.of(images)).clamp_(0.0, 1.0)
        domain, rows = setup.problem.domain, x[:attacked]
        origin = rows[:, : setup.inputs.n_numeric]
        room = reach(domain, rows, NOISE_REACH * setup.eps, whole_units=False)
        return origin + room.clip(self.of(origin) * reach(domain, rows, setup.eps).radius)

    def state_dict(self) -> dict[str, Tensor | None]:
        """Return the perturbation, for a checkpoint."""
        return {"unit": self._unit}

    def load_state_dict(self, state: dict[str, Tensor | None]) -> None:
        """Take the perturbation of a checkpoint."""
        self._unit = state["unit"]
