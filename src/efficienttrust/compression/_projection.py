"""Weights as they will be deployed, while the float weights are trained: masks and rounding.

A rule maps a weight to what it is in the deployed network. Forward and backward passes see the projected weights; the
gradient is applied to the float weights beneath (straight-through: Bengio et al. 2013). So a pruned weight has a dense
gradient, by which it may be regrown, and a rounded one moves by less than a step of its grid.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import Tensor, nn


class Rule(Protocol):
    """What one weight is in the deployed network; applying it twice is the same as once."""

    def __call__(self, weight: Tensor) -> Tensor:
        """Return the projected weight, a new tensor."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Return what changes while training, such as a mask."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the state of a checkpoint."""
        ...


class Schedule(Protocol):
    """Changes rules while training."""

    def advance(self, module: nn.Module, progress: float) -> None:
        """Do what is due at a share of the training, in [0, 1]; called between steps, with gradients of the last one.

        The module holds its float weights; `parameter.grad` is the gradient at the projected weights, or None.
        """
        ...

    def state_dict(self) -> dict[str, Any]:
        """Return what changes while training."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the state of a checkpoint."""
        ...


class Projection:
    """The rules of a network, by the name of the parameter, and what changes them while training.

    Attributes:
        rules: Rules of each parameter, in the order in which they apply.
        schedules: What changes rules while training.
    """

    def __init__(self) -> None:
        self.rules: dict[str, list[Rule]] = {}
        self.schedules: list[Schedule] = []
        self._applied = False

    def __bool__(self) -> bool:
        return bool(self.rules)

    def add(self, name: str, rule: Rule) -> None:
        """Add a rule to a parameter, after those that it has."""
        self.rules.setdefault(name, []).append(rule)

    @contextlib.contextmanager
    def applied(self, module: nn.Module) -> Iterator[None]:
        """Let the body see projected weights; afterwards the float weights are back, in the same storage.

        Inside another `applied` of the same projection nothing happens.
        """
        import torch

        if self._applied or not self.rules:
            yield
            return
        parameters = dict(module.named_parameters())
        with torch.no_grad():
            floats = {name: parameters[name].detach().clone() for name in self.rules}
            self._write(parameters)
        self._applied = True
        try:
            yield
        finally:
            self._applied = False
            with torch.no_grad():
                for name, value in floats.items():
                    parameters[name].copy_(value)

    def fold(self, module: nn.Module) -> None:
        """Replace the weights of a module by the projected ones, for good."""
        import torch

        with torch.no_grad():
            self._write(dict(module.named_parameters()))

    def advance(self, module: nn.Module, progress: float) -> None:
        """Do what is due at a share of the training, in [0, 1]."""
        for schedule in self.schedules:
            schedule.advance(module, progress)

    def state_dict(self) -> dict[str, Any]:
        """Return what changes while training."""
        return {
            "rules": {name: [rule.state_dict() for rule in rules] for name, rules in self.rules.items()},
            "schedules": [schedule.state_dict() for schedule in self.schedules],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the state of a checkpoint."""
        for name, rules in self.rules.items():
            for rule, saved in zip(rules, state["rules"][name], strict=True):
                rule.load_state_dict(saved)
        for schedule, saved in zip(self.schedules, state["schedules"], strict=True):
            schedule.load_state_dict(saved)

    def _write(self, parameters: dict[str, Any]) -> None:
        for name, rules in self.rules.items():
            value = parameters[name].detach()
            for rule in rules:
                value = rule(value)
            parameters[name].copy_(value)
