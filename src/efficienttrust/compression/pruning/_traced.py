"""Structured pruning of networks of any make: torch-pruning traces which channels belong together."""

from __future__ import annotations

import warnings

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from efficienttrust.compression._workpiece import Workpiece
from efficienttrust.compression.pruning._pruning import PruneStep
from efficienttrust.errors import UsageError

ROUND_TO = 4


def prune_traced(workpiece: Workpiece, step: PruneStep, sample: NDArray[np.float32]) -> None:
    """Remove a share of the channels of every layer but the last, by the norm of their groups (Fang et al. 2023).

    Raises:
        UsageError: The structure cannot be traced, or nothing can be removed.
    """
    import torch_pruning

    module = workpiece.module
    layers = [one for one in module.modules() if isinstance(one, nn.Linear | nn.modules.conv._ConvNd)]
    if len(layers) < 2:
        raise UsageError(
            f"--prune {step.text}: the network has one layer alone, and no units between its input and its answers; "
            "choose magnitude"
        )
    example = torch.from_numpy(sample[:2])
    before = sum(one.numel() for one in module.parameters())
    recurrent = [one for one in module.modules() if isinstance(one, nn.RNNBase)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the tracer, about itself
            pruner = torch_pruning.pruner.BasePruner(
                module,
                example,
                importance=torch_pruning.importance.GroupMagnitudeImportance(p=2),
                pruning_ratio=step.amount,
                ignored_layers=[layers[-1], *recurrent],
                round_to=ROUND_TO,
            )
            pruner.step()
            with torch.no_grad():
                module(example)
    except Exception as error:  # it raises whatever happened inside
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise UsageError(
            f"--prune {step.text}: the units of this network cannot be traced ({reason}); choose magnitude, which "
            "needs no structure"
        ) from error
    if recurrent:
        workpiece.notes.append("recurrent layers of networks that are not ours stay as they are")
    if sum(one.numel() for one in module.parameters()) == before:
        raise UsageError(f"--prune {step.text}: no layer has units that can leave; choose magnitude")
