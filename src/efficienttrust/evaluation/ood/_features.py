"""One forward pass to a `Representation`: what the last layer of a model takes in and gives out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import ArrayLike

from efficienttrust.compression import NetworkScorer, Scorer, parent_of, score_encoded
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.ood._detector import Array, Representation

if TYPE_CHECKING:
    from torch import Tensor, nn

SMALLEST: Final = 1e-12
"""Probabilities below are taken for this, so that their logarithm is finite."""
PROBABILITIES: Final = "the model says probabilities only: logits are their logarithms, up to a constant in each row"
ROWS: Final = "the model shows no inner layer: features are the encoded rows"
NO_HIDDEN_LAYER: Final = "the model has no hidden layer: features are the encoded rows"


def penultimate(module: nn.Module) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """Return a function from a batch to (input of the last linear layer [m, d], logits [m, K]).

    The last linear layer is the `nn.Linear` that is called last; the first batch shows which. The module is run in
    evaluation mode without gradients, and is left as it was.

    Args:
        module: Maps a batch [m, ...] to logits [m, K], or [m] for one logit.

    Returns:
        The function; it raises `UsageError` for a module without `nn.Linear`, or when that layer or the module does
        not give one row for each row of the batch.
    """
    import torch

    last: list[nn.Module] = []

    def extract(batch: Tensor) -> tuple[Tensor, Tensor]:
        if not last:
            last.append(_last_linear(module, batch))
        seen: list[Tensor] = []
        hook = last[0].register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0]))
        try:
            with torch.no_grad(), _evaluating(module):
                logits = module(batch)
        finally:
            hook.remove()
        if not seen:
            raise UsageError(f"{type(module).__name__} calls other layers on this batch than on the first one")
        for what, part in (("its output", logits), ("the input of its last linear layer", seen[-1])):
            if not isinstance(part, torch.Tensor) or part.ndim == 0 or len(part) != len(batch):
                shape = list(part.shape) if isinstance(part, torch.Tensor) else type(part).__name__
                raise UsageError(
                    f"{type(module).__name__}: {what} is not one row for each of {len(batch)} rows but {shape}"
                )
        return seen[-1].flatten(1), logits

    return extract


def represent_module(module: nn.Module, x: Tensor, y: ArrayLike | None = None, *, batch: int = 512) -> Representation:
    """Run a torch module once over rows, on the device of its parameters.

    Args:
        module: Maps a batch to logits.
        x: [n, ...] inputs, as the module takes them.
        y: [n] class codes, or None.
        batch: Rows a forward pass.
    """
    if len(x) == 0:
        raise UsageError("there are no rows to run the model on")
    extract = penultimate(module)
    device = next((parameter.device for parameter in module.parameters()), x.device)
    parts = [extract(x[start : start + batch].to(device)) for start in range(0, len(x), batch)]
    features, logits = (np.concatenate([part[k].float().cpu().numpy() for part in parts]) for k in (0, 1))
    return _representation(features, logits, y, ())


def represent_scorer(scorer: Scorer, x: ArrayLike, y: ArrayLike | None = None) -> Representation:
    """Run one of our own scorers once over encoded rows [n, d]: last hidden activations and the logit z.

    Trees and linear models have no hidden layer; their features are the rows themselves.
    """
    rows = np.asarray(x, dtype=np.float32)
    parent = parent_of(scorer)  # a quantised network hides its layers: their features are those of its parent
    if not isinstance(parent, NetworkScorer) or len(parent.layers) == 1:
        return _representation(rows, score_encoded(scorer, rows), y, (NO_HIDDEN_LAYER,))
    hidden = rows
    for weight, bias in parent.layers[:-1]:
        hidden = np.maximum(hidden @ weight + bias, 0)
    z = score_encoded(NetworkScorer(parent.layers[-1:]), hidden) if parent is scorer else score_encoded(scorer, rows)
    return _representation(hidden, z, y, ())


def represent_probabilities(
    x: ArrayLike | None, probabilities: ArrayLike, y: ArrayLike | None = None
) -> Representation:
    """Take what a model says that only says probabilities (ONNX, scikit-learn).

    Args:
        x: [n, d] encoded rows, which stand in for features; None for inputs that say nothing as they are (images).
        probabilities: [n, K], whose logarithms are the logits, centred in each row (uncentred, the energy of every row
            would be 0); or [n] of the positive class, which becomes the logit z = log(p / (1 − p)).
        y: [n] class codes, or None.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    if not ((p >= 0) & (p <= 1)).all():
        raise UsageError("probabilities lie between 0 and 1; give other outputs as logits: Representation(logits=…)")
    notes = (PROBABILITIES,) if x is None else (PROBABILITIES, ROWS)
    features = None if x is None else np.asarray(x)
    if p.ndim == 1 or p.shape[1] == 1:
        p = np.clip(p, SMALLEST, 1 - SMALLEST)
        return _representation(features, np.log(p / (1 - p)), y, notes)
    logits = np.log(np.maximum(p, SMALLEST))
    return _representation(features, logits - logits.mean(axis=1, keepdims=True), y, notes)


def _representation(
    features: Array | None, logits: Array, y: ArrayLike | None, notes: tuple[str, ...]
) -> Representation:
    return Representation(features, logits, None if y is None else np.asarray(y), notes)


def _last_linear(module: nn.Module, batch: Tensor) -> nn.Module:
    """Return the linear layer that is called last on a batch."""
    import torch

    called: list[nn.Module] = []
    linear = [layer for layer in module.modules() if isinstance(layer, torch.nn.Linear)]
    hooks = [layer.register_forward_pre_hook(lambda layer, _: called.append(layer)) for layer in linear]
    try:
        with torch.no_grad(), _evaluating(module):
            module(batch)
    finally:
        for hook in hooks:
            hook.remove()
    if not called:
        raise UsageError(
            f"{type(module).__name__} calls no nn.Linear, so its features cannot be found: "
            "give them yourself as Representation(features=…, logits=…)"
        )
    return called[-1]


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Hold a module in evaluation mode, and put every part back into its own mode afterwards."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training
