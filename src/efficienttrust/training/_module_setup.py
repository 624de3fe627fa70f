"""What stays the same from step to step of a torch module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from efficienttrust.data import Problem
from efficienttrust.models import Inputs
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
