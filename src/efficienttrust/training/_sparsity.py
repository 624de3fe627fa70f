"""Dynamic sparsity: the smallest weights are zero as deployed, go on learning, and come back when they have grown."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from efficienttrust.compression import Projection
from efficienttrust.compression.pruning import Mask
from efficienttrust.compression.pruning._masks import cut_to, zeros_of
from efficienttrust.compression.pruning._weights import weights_of

EVERY = 50  # steps after which masks are drawn anew at the same setting


class DynamicSparsity:
    """Keeps masks of the smallest weights of a network in its projection (Lin et al. 2020, "Dynamic model pruning").

    Passes see the masked weights, gradients move the dense ones beneath (straight-through), so that a weight that was
    pruned too early returns with the next masks. Weights are compared over all layers, of which each keeps its largest.
    Masks are drawn when the setting moves and every `EVERY` steps. At zero no mask is left. Zeros are multiplied like
    all else: a step costs what it did.

    Args:
        projection: Gets the masks.
        network: Its weights are compared: of linear, convolutional and recurrent layers.

    Attributes:
        held: Whether it does nothing: the projection has rules of its own, or there is no weight to prune.
    """

    def __init__(self, projection: Projection, network: nn.Module) -> None:
        self._projection, self._network = projection, network
        self.held = bool(projection) or bool(projection.schedules) or not weights_of(network)
        self._masks: dict[str, Mask] = {}
        self._setting, self._steps = 0.0, 0

    def turn(self, setting: float) -> None:
        """Let the step that follows see the masks of a setting, in [0, 1)."""
        if self.held or (setting == self._setting == 0.0):
            return
        if setting == 0.0:
            self._clear()
            return
        if setting != self._setting or self._steps >= EVERY:
            self._draw(setting)
        self._steps += 1

    def state_dict(self) -> dict[str, Any]:
        """Return the setting and the steps since masks were drawn; the masks are in the projection's state."""
        return {"setting": self._setting, "steps": self._steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the state of a checkpoint; the projection's has to be loaded afterwards."""
        self._clear()
        if state["setting"] > 0.0:
            self._draw(state["setting"])
        self._setting, self._steps = state["setting"], state["steps"]

    def _draw(self, setting: float) -> None:
        weights = {weight.name: weight.value.detach() for weight in weights_of(self._network)}
        if not self._masks:
            for name, value in weights.items():
                self._masks[name] = Mask(torch.ones_like(value, dtype=torch.bool))
                self._projection.add(name, self._masks[name])
        for name, mask in self._masks.items():
            mask.keep = torch.ones_like(weights[name], dtype=torch.bool)
        sizes = [weights[name].abs() for name in self._masks]
        cut_to(list(self._masks.values()), sizes, zeros_of(setting, sum(one.numel() for one in sizes)))
        self._setting, self._steps = setting, 0

    def _clear(self) -> None:
        for name in self._masks:
            del self._projection.rules[name]
        self._masks, self._setting, self._steps = {}, 0.0, 0
