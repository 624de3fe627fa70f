"""Features of a network: what enters its last linear layer.

Layers are recognised by the weight that `functional.linear` is given, as networks need not call their layers as modules
(the MLP of tables does not).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from efficienttrust.errors import UsageError

PROBE_ROWS = 2


class LinearWatch(TorchFunctionMode):
    """Remembers, while it is entered, what went into a linear layer last.

    Args:
        only: Weight of the layer; None watches all.

    Attributes:
        entered: What went in; None before anything did.
        weight: Weight of the layer that it went into.
    """

    def __init__(self, only: Tensor | None = None) -> None:
        super().__init__()
        self._only = only
        self.entered: Tensor | None = None
        self.weight: Tensor | None = None

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Let every call pass."""
        if func is functional.linear:
            given = dict(zip(("input", "weight"), args, strict=False)) | (kwargs or {})
            if self._only is None or given["weight"] is self._only:
                self.entered, self.weight = given["input"], given["weight"]
        return func(*args, **(kwargs or {}))

    def features(self) -> Tensor:
        """Return what went in as float32 [n, F]."""
        assert self.entered is not None
        return self.entered.flatten(1).float()


def last_linear(module: nn.Module, shape: tuple[int, ...], name: str) -> tuple[Tensor, int]:
    """Return the weight of the last linear layer of a network and the number F of its features.

    Args:
        module: The network; its training mode is left as it was.
        shape: Shape of a row.
        name: What it is called in errors.

    Raises:
        UsageError: There is none, or it does not see one vector a row.
    """
    learning = module.training
    rows = torch.zeros(PROBE_ROWS, *shape, device=next(module.parameters()).device)
    with torch.no_grad(), LinearWatch() as watch:
        module.eval()(rows)
    module.train(learning)
    own = any(watch.weight is one for one in module.parameters())
    if watch.entered is None or watch.weight is None or not own or watch.entered.shape[0] != PROBE_ROWS:
        raise UsageError(f"distillation: {name} does not end in a linear layer, which features are read at; feature=0")
    return watch.weight, watch.features().shape[1]
