"""Neurons, channels, heads and hidden units leave the network."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from efficienttrust.compression._workpiece import Workpiece
from efficienttrust.compression.pruning._atoms import choose
from efficienttrust.compression.pruning._families import atoms_of
from efficienttrust.compression.pruning._masks import Mask
from efficienttrust.compression.pruning._pruning import PruneStep, Pruning, prunings
from efficienttrust.compression.pruning._traced import prune_traced
from efficienttrust.compression.pruning._weights import weights_of
from efficienttrust.errors import UsageError


def _apply(workpiece: Workpiece, step: PruneStep, sample: NDArray[np.float32], _seed: int) -> None:
    masked = [name for name, rules in workpiece.projection.rules.items() if any(isinstance(r, Mask) for r in rules)]
    workpiece.projection.fold(workpiece.module)
    before = _numbers(workpiece.module)
    atoms = atoms_of(workpiece.module)
    if atoms is None:
        spare = copy.deepcopy(workpiece.module)
        try:
            prune_traced(workpiece, step, sample)
        except UsageError:
            workpiece.module = spare
            raise
    elif atoms.count == 0:
        raise UsageError(
            f"--prune {step.text}: the network has no units between its input and its answers; choose magnitude"
        )
    else:
        kept = choose(atoms, step.amount)
        atoms.cut(kept)
        if kept.all():
            workpiece.notes.append(f"warning: --prune {step.text} is less than a unit of any layer: none has left")
    after = _numbers(workpiece.module)
    workpiece.edits |= {path: value for path, value in after.items() if before.get(path) != value}
    for weight in weights_of(workpiece.module):
        if weight.name in masked:  # what was zero stays zero in a recovery
            workpiece.projection.rules[weight.name] = [Mask(weight.value.detach() != 0)]


def _numbers(module: nn.Module) -> dict[str, Any]:
    """Return the attributes of all submodules that are whole numbers or tuples of them, by dotted path."""
    found: dict[str, Any] = {}
    for path, one in module.named_modules():
        for name, value in vars(one).items():
            numbers = value if isinstance(value, tuple) else (value,)
            plain = numbers and all(type(number) is int for number in numbers)
            if plain and not name.startswith("_"):
                found[f"{path}.{name}" if path else name] = value
    return found


prunings.register("structured")(
    Pruning(
        "structured",
        "The neurons, channels, heads or hidden units of the smallest norm leave (Li et al. 2017; Fang et al. 2023).",
        _apply,
    )
)
