"""Layers that act otherwise in training: which of them are in that mode, and which answer in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from torch import nn

ACTIVE_IN_TRAINING = (nn.modules.dropout._DropoutNd, nn.modules.batchnorm._BatchNorm)

T = TypeVar("T")


def in_training(module: nn.Module) -> list[str]:
    """Return the kinds of the dropout and batch norm layers in training mode, one entry a layer."""
    return [
        type(layer).__name__ for layer in module.modules() if isinstance(layer, ACTIVE_IN_TRAINING) and layer.training
    ]


def answering_in_training(module: nn.Module, ask: Callable[[], T]) -> tuple[T, list[str]]:
    """Ask a module, and return its answer and the kinds of the layers that were in training mode while it answered.

    A module may put its layers into training mode in `forward`, whatever mode it was set to.
    """
    seen: dict[nn.Module, str] = {}

    def look(layer: nn.Module, _inputs: object) -> None:
        if layer.training:
            seen[layer] = type(layer).__name__

    watched = [layer for layer in module.modules() if isinstance(layer, ACTIVE_IN_TRAINING)]
    hooks = [layer.register_forward_pre_hook(look) for layer in watched]
    try:
        answer = ask()
    finally:
        for hook in hooks:
            hook.remove()
    return answer, list(seen.values())
