"""Rounding of weights to a grid of few bits, as a rule of a projection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from efficienttrust.compression._workpiece import Workpiece
from efficienttrust.compression.pruning._weights import weights_of
from efficienttrust.compression.quantisation._quantisation import quantisations
from efficienttrust.compression.quantisation._step import QuantiseStep
from efficienttrust.errors import UsageError


@dataclass(frozen=True)
class Rounding:
    """Rounds a weight to whole multiples of a scale, symmetrically around 0.

    The scale follows the weight: its largest magnitude is the last point of the grid. Zeros stay zero, so masks do.

    Attributes:
        bits: Bits of a weight, 2 or more; the grid has 2^bits − 1 points.
        block: Weights along the inputs that share a scale; None for one scale per output.
        per_channel: Whether each output has its own scale; else one serves the whole weight.
    """

    bits: int
    block: int | None = None
    per_channel: bool = True

    def __call__(self, weight: Tensor) -> Tensor:
        """Return the rounded weight."""
        rows = weight.reshape(weight.shape[0], -1) if self.per_channel else weight.reshape(1, -1)
        size = rows.shape[1]
        if self.block is not None and size > self.block:
            rows = torch.nn.functional.pad(rows, (0, -size % self.block)).reshape(-1, self.block)
        last = 2 ** (self.bits - 1) - 1
        scale = (rows.abs().amax(dim=1, keepdim=True) / last).clamp_min(torch.finfo(rows.dtype).tiny)
        rounded = (rows / scale).round_().clamp_(-last, last) * scale
        if self.block is not None and size > self.block:
            rounded = rounded.reshape(weight.shape[0] if self.per_channel else 1, -1)[:, :size]
        found: Tensor = rounded.reshape(weight.shape)
        return found

    def state_dict(self) -> dict[str, Any]:
        """Return nothing: the scale follows the weight."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take nothing."""
        del state


def add_rounding(workpiece: Workpiece, step: QuantiseStep) -> None:
    """Let the weights of a workpiece be seen rounded, from here on.

    Of a real method this is what training is aware of: the conversion itself, with its rounding of activations, comes
    at the end.

    Raises:
        UsageError: The network has no weights to round.
    """
    method = quantisations.get(step.method)
    rule = Rounding(step.bits, method.block, bool(step.options.get("per_channel", 1.0)))
    weights = weights_of(workpiece.module)
    if not weights:
        raise UsageError(f"--quantize {step.text}: no linear, convolutional or recurrent layer is there to round")
    for weight in weights:
        workpiece.projection.add(weight.name, rule)
    if not method.real:
        workpiece.notes.append(
            f"{step.text} is simulated: weights are rounded to {step.bits} bits and stored as floats, so neither bytes "
            "nor speed are those of such a network"
        )
