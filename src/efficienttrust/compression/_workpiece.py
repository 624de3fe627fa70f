"""A network between two transforms of a compression: taken from a scorer, changed in place, turned back into one."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from efficienttrust.compression._module_scorer import ModuleScorer
from efficienttrust.compression._projection import Projection
from efficienttrust.compression._scorers import NetworkScorer

if TYPE_CHECKING:
    from torch import nn


@dataclass(eq=False)
class Workpiece:
    """A network that is being compressed.

    Attributes:
        module: The network, in evaluation mode, on the CPU; transforms change it in place. It holds float weights.
        shape: Shape of a row that it reads.
        projection: What its weights will be as deployed: masks, rounding.
        edits: Attributes of submodules that differ from those of the network as it is made by name, by dotted path
            (`blocks.0.heads`): whole numbers, or tuples of them.
        notes: What a reader of the report must know, one sentence each.
    """

    module: nn.Module
    shape: tuple[int, ...]
    projection: Projection = field(default_factory=Projection)
    edits: dict[str, int | tuple[int, ...]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def workpiece_of(scorer: NetworkScorer | ModuleScorer) -> Workpiece:
    """Return a copy of a scorer's network to work on."""
    if isinstance(scorer, NetworkScorer):
        return Workpiece(mlp_of(scorer).eval(), (scorer.n_features,))
    module = copy.deepcopy(scorer.module).cpu().eval()
    for parameter in module.parameters():
        parameter.requires_grad_(True)
    return Workpiece(module, scorer.shape, edits=dict(scorer.edits))


def scorer_of(workpiece: Workpiece, origin: NetworkScorer | ModuleScorer) -> NetworkScorer | ModuleScorer:
    """Return a workpiece as a frozen scorer of the kind that it was taken from, its projection folded in.

    Args:
        workpiece: Is left as it is.
        origin: The scorer that it was taken from.
    """
    from efficienttrust.models import MLP

    twin = copy.deepcopy(workpiece.module).eval()
    workpiece.projection.fold(twin)
    for parameter in twin.parameters():
        parameter.requires_grad_(False)
    if isinstance(origin, NetworkScorer):
        assert isinstance(twin, MLP)
        return NetworkScorer(twin.layers())
    return replace(origin, module=twin, edits=dict(workpiece.edits))


def mlp_of(scorer: NetworkScorer) -> nn.Module:
    """Return the network of a scorer of plain arrays as a module."""
    import torch

    from efficienttrust.models import build_mlp

    widths = [weight.shape[1] for weight, _ in scorer.layers[:-1]]
    module = build_mlp(n_features=scorer.n_features, widths=widths, seed=0)
    with torch.no_grad():
        for layer, (weight, bias) in zip(module.linears, scorer.layers, strict=True):
            assert isinstance(layer, torch.nn.Linear)
            layer.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight.T)))
            layer.bias.copy_(torch.from_numpy(bias))
    return module


def restore_edits(module: nn.Module, edits: Mapping[str, Any]) -> None:
    """Set the attributes of submodules that a compression changed, on a network that was made by name again."""
    for path, value in edits.items():
        owner, _, leaf = path.rpartition(".")
        setattr(module.get_submodule(owner), leaf, tuple(value) if isinstance(value, list) else value)
