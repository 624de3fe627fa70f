"""What a model of somebody else answers, brought into the one form that everything here reads."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from efficienttrust.compression import ModuleScorer
from efficienttrust.errors import UsageError

CELLS_AT_ONCE = 2**17  # of the inputs of one forward pass


def ask(model: nn.Module, x: Any, key: str | None = None) -> Any:
    """Return what a model says: to a tensor (by name where there is a key), or to several tensors by name."""
    if isinstance(x, Mapping):
        return model(**x)
    return model(x) if key is None else model(**{key: x})


def logits_of(outputs: Any) -> Tensor:
    """Return the logits in an answer: [m] of two classes (a pair of logits becomes their difference), [m, K] of more.

    Args:
        outputs: A tensor [m], [m, 1] or [m, K], or what holds one under the name `logits`.

    Raises:
        UsageError: There are no such logits.
    """
    z = outputs
    if not isinstance(z, Tensor):
        z = outputs.get("logits") if isinstance(outputs, Mapping) else getattr(outputs, "logits", None)
        if not isinstance(z, Tensor):
            raise UsageError(
                f"the model answers with {type(outputs).__name__}: let it return logits, a tensor [rows] or "
                "[rows, classes], or something with `.logits`"
            )
    if z.ndim == 1:
        return z
    if z.ndim != 2:
        raise UsageError(
            f"the model answers with a tensor of shape {list(z.shape)}: logits are [rows] or [rows, classes]"
        )
    if z.shape[1] == 1:
        return z.squeeze(1)
    return z[:, 1] - z[:, 0] if z.shape[1] == 2 else z


class Answers(nn.Module):
    """A model as a module from inputs to logits, [m] or [m, K].

    Args:
        model: The model; is not copied.
        key: Name under which it takes its one tensor; None where it takes it by position.
    """

    def __init__(self, model: nn.Module, key: str | None) -> None:
        super().__init__()
        self.model, self.key = model, key

    def forward(self, x: Any) -> Tensor:
        """Return the logits."""
        return logits_of(ask(self.model, x, self.key))


class RowsScorer(ModuleScorer):
    """A module scorer that also takes whole numbers (tokens), and rows of several arrays by name."""

    def score(self, x: Any) -> npt.NDArray[np.float32]:
        """Return the logits of rows: an array [n, ...], or a mapping of such arrays."""
        if isinstance(x, np.ndarray) and x.dtype.kind == "f":
            return super().score(x)
        arrays = dict(x) if isinstance(x, Mapping) else {"": x}
        first = next(iter(arrays.values()))
        step = max(1, CELLS_AT_ONCE // max(int(np.prod(first.shape[1:])), 1))
        device = next(self.module.parameters()).device
        parts = [np.zeros((0,) if self.outputs == 1 else (0, self.outputs), np.float32)]
        with torch.no_grad():
            for start in range(0, len(first), step):
                part = {name: torch.from_numpy(one[start : start + step]).to(device) for name, one in arrays.items()}
                z = self.module(part if isinstance(x, Mapping) else part[""])
                parts.append(z.float().cpu().numpy())
        return np.concatenate(parts)


@contextlib.contextmanager
def unmoved(model: nn.Module) -> Iterator[None]:
    """Let the body ask a model in evaluation mode, without gradients of its weights; leaves every mode as it was."""
    modes = [(module, module.training) for module in model.modules()]
    learning = [one for one in model.parameters() if one.requires_grad]
    model.eval()
    for parameter in learning:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in learning:
            parameter.requires_grad_(True)
        for module, mode in modes:
            module.training = mode
