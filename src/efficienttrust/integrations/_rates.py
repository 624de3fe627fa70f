"""The learning rate of somebody else's optimiser, and the sparsity of her model: set around every step it takes."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from efficienttrust.compression.pruning._masks import lowest, zeros_of
from efficienttrust.compression.pruning._weights import weights_of
from efficienttrust.errors import UsageError

_STEERED: weakref.WeakKeyDictionary[torch.optim.Optimizer, tuple[weakref.ref[Any], Rate]] = weakref.WeakKeyDictionary()
"""Optimiser -> who steers it, and by what."""


class Sparsity:
    """Holds the smallest weights at zero, in place; the dense ones are kept aside and go on learning.

    Between optimiser steps the model is as deployed. For the step itself the dense weights come back, so that a pruned
    weight moves by its gradient and may be regrown (straight-through).

    Args:
        model: Its linear, convolutional and recurrent layers are pruned.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self.share = 0.0
        self.dense: dict[str, Tensor] = {}

    def set(self, share: float) -> None:
        """Hold this share of all weights at zero from here on."""
        if share == self.share:
            return
        self.restore()
        self.share = share
        self.project()

    def project(self) -> None:
        """Put zeros in the place of the smallest weights; nothing where they stand already."""
        if self.share == 0 or self.dense:
            return
        weights = weights_of(self._model)
        with torch.no_grad():
            self.dense = {weight.name: weight.value.detach().clone() for weight in weights}
            sizes = torch.cat([weight.value.detach().abs().reshape(-1) for weight in weights])
            gone = lowest(sizes, zeros_of(self.share, len(sizes)))
            for weight, part in zip(weights, torch.split(gone, [one.value.numel() for one in weights]), strict=True):
                weight.value.masked_fill_(part.view(weight.value.shape), 0.0)

    def restore(self) -> None:
        """Bring the dense weights back."""
        if not self.dense:
            return
        dense, self.dense = self.dense, {}
        with torch.no_grad():
            for weight in weights_of(self._model):
                weight.value.copy_(dense[weight.name])

    def forget(self) -> None:
        """Let the model stay as it is deployed."""
        self.dense, self.share = {}, 0.0


class Rate:
    """Sets the learning rate before every step of an optimiser, and lets it see dense weights.

    Args:
        optimizer: The optimiser.
        owner: Who steers it; when it is gone, another may.
        sparsity: What is undone for the time of a step.
        scheduled: Whether the rate falls linearly over the budget; False leaves its course to a scheduler of the user,
            and only the factor is applied, for the time of a step.

    Attributes:
        fall: Factor of the schedule at present.
        factor: Factor that the policy chose.
        taken: Steps of the optimiser so far.

    Raises:
        UsageError: The optimiser is steered already.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, owner: object, sparsity: Sparsity, *, scheduled: bool) -> None:
        before = _STEERED.get(optimizer)
        if before is not None:
            if before[0]() is not None:
                raise UsageError(
                    "this optimizer is steered already by another ATATS (a callback attached twice?): keep one, or "
                    "close() the other first"
                )
            before[1].close()
        _STEERED[optimizer] = weakref.ref(owner), self
        self.optimizer, self._sparsity, self._scheduled = optimizer, sparsity, scheduled
        self._base = [group.get("initial_lr", group["lr"]) for group in optimizer.param_groups]
        self._own: list[Any] = []
        self.fall, self.factor, self.taken = 1.0, 1.0, 0
        before_step: Callable[..., None] = self._before
        after_step: Callable[..., None] = self._after
        self._hooks = (optimizer.register_step_pre_hook(before_step), optimizer.register_step_post_hook(after_step))

    def close(self) -> None:
        """Leave the optimiser alone from here on."""
        for hook in self._hooks:
            hook.remove()
        if self.optimizer in _STEERED and _STEERED[self.optimizer][1] is self:
            del _STEERED[self.optimizer]

    def _before(self, *ignored: Any) -> None:
        self._sparsity.restore()
        groups = self.optimizer.param_groups
        if self._scheduled:
            for group, base in zip(groups, self._base, strict=True):
                group["lr"] = base * self.fall * self.factor
        elif self.factor != 1.0:
            self._own = [group["lr"] for group in groups]
            for group in groups:
                group["lr"] = group["lr"] * self.factor

    def _after(self, *ignored: Any) -> None:
        if self._own:
            for group, own in zip(self.optimizer.param_groups, self._own, strict=True):
                group["lr"] = own
            self._own = []
        self.taken += 1
        self._sparsity.project()
