"""What stays the same from step to step of a torch module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from efficienttrust.compression import ModuleScorer, NetworkScorer, Scorer
from efficienttrust.data import Problem
from efficienttrust.models import MLP, Inputs
from efficienttrust.training._inputs import described
from efficienttrust.training._labels import Unit
from efficienttrust.training.distillation._teaching import Teaching


@dataclass(frozen=True, eq=False)
class ModuleSetup:
    """What stays the same from step to step.

    Attributes:
        problem: The problem.
        inputs: What the network was told of its inputs.
        outputs: Number of logits.
        network: Name of the network.
        options: Its options.
        eps: Radius of the training attack; 0 without a robustness target.
        members: Membership [n, G] per attribute that a penalty needs.
        strengths: Strength of each augmentation of images.
        device: Where the training runs.
        precision: Of forward and backward passes: `fp32`, `bf16` or `fp16`.
        soft: [n] labels of two classes mixed with a teacher's probabilities; None learns the labels as they are.
        unit: In what a label that is a number is learned; None learns classes.
        teaching: The teachers that are learned from beside the labels; None learns from labels alone.
    """

    problem: Problem
    inputs: Inputs
    outputs: int
    network: str
    options: Mapping[str, Any]
    eps: float
    members: Mapping[str, Tensor]
    strengths: Mapping[str, float]
    device: torch.device
    precision: str
    soft: Tensor | None = None
    unit: Unit | None = None
    teaching: Teaching | None = None


def scorer_of(twin: nn.Module, setup: ModuleSetup) -> Scorer:
    """Return a network that nobody trains any more, in evaluation mode, as what is deployed."""
    for parameter in twin.parameters():
        parameter.requires_grad_(False)
    if isinstance(twin, MLP) and setup.unit is None and setup.outputs == 1:
        return NetworkScorer(twin.layers())
    unit = (0.0, 1.0) if setup.unit is None else (setup.unit.shift, setup.unit.scale)
    return ModuleScorer(
        twin, setup.inputs.shape, setup.outputs, setup.network, setup.options, described(setup.inputs), *unit
    )
