"""Prune a network, and count what is left."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from efficienttrust.compression._module_scorer import ModuleScorer
from efficienttrust.compression._scorers import NetworkScorer
from efficienttrust.compression._tree_scorer import TreeScorer
from efficienttrust.compression._workpiece import Workpiece
from efficienttrust.compression.pruning._masks import deployed_weights
from efficienttrust.compression.pruning._pruning import PruneStep, prunings
from efficienttrust.compression.pruning._weights import unknown_layers
from efficienttrust.errors import UsageError


def prune(workpiece: Workpiece, step: PruneStep, *, sample: NDArray[np.float32], seed: int) -> None:
    """Prune a network, or let it be pruned during the training that follows.

    Weights are those of linear, convolutional and recurrent layers. Biases, norms, embeddings and what else a module
    holds stay as they are; layers of a type that is not known are named in the notes.

    Args:
        workpiece: Is changed.
        step: What to do.
        sample: Training rows [m, *shape], float32, at least one: the pruned network has to answer them.
        seed: Seed of what is drawn.

    Raises:
        UsageError: There is nothing that can be pruned so.
    """
    prunings.get(step.method).apply(workpiece, step, sample, seed)
    with torch.no_grad():
        answer = workpiece.module(torch.from_numpy(np.ascontiguousarray(sample[:2], dtype=np.float32)))
    if not torch.isfinite(answer).all():
        raise UsageError(f"--prune {step.text}: the pruned network answers training rows with what is no number")
    for name in unknown_layers(workpiece.module):
        note = f"warning: layers of type {name} hold weights that pruning does not know; they stay as they are"
        if note not in workpiece.notes:
            workpiece.notes.append(note)


def sparsity(network: Workpiece | nn.Module) -> float:
    """Return the share of zeros among the prunable weights, as deployed, in [0, 1]; NaN where there are none."""
    piece = network if isinstance(network, Workpiece) else Workpiece(network, ())
    values = [value for _, value in deployed_weights(piece)]
    total = sum(value.numel() for value in values)
    return sum(int((value == 0).sum()) for value in values) / total if total else float("nan")


def zero_parameters(scorer: NetworkScorer | ModuleScorer | TreeScorer) -> int:
    """Return the number of learned values that are zero; the threshold of a tree always decides something."""
    if isinstance(scorer, NetworkScorer):
        return sum(int((weight == 0).sum()) + int((bias == 0).sum()) for weight, bias in scorer.layers)
    if isinstance(scorer, ModuleScorer):
        return sum(int((parameter == 0).sum()) for parameter in scorer.module.parameters())
    return int((scorer.value[scorer.is_leaf] == 0).sum()) + int((scorer.baseline == 0).sum())
