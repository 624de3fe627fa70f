"""A torch module as the float parent of an exported file: any architecture, on rows of a table or on images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import nn

Floats = npt.NDArray[np.float32]

CELLS_AT_ONCE = 2**17  # of the inputs of one forward pass: activations then stay in the cache


@dataclass(frozen=True, eq=False)
class ModuleScorer:
    """A network whose forward pass is torch code.

    Attributes:
        module: Maps [n, *shape] float32 to logits [n, outputs], or to one logit [n]; in evaluation mode, in fp32.
        shape: Shape of a row: (d,) encoded features, or (C, H, W) pixels in [0, 1].
        outputs: Number of logits; 1 for a binary problem.
        network: Name of the network, from which `module` can be made again.
        options: Its options.
        inputs: What it was told of its inputs, as plain values; with `network` and `options` enough to rebuild it.
        shift: Of a regression: the score of an answer of 0, in the unit of the label.
        scale: Of a regression: the unit of the answers, so that the score is `shift + scale * answer`.
        edits: Attributes of submodules that a compression changed, by dotted path; with the shapes of the weights they
            tell the network from the one that is made by name.
    """

    module: nn.Module
    shape: tuple[int, ...]
    outputs: int
    network: str
    options: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    shift: float = 0.0
    scale: float = 1.0
    edits: Mapping[str, int | tuple[int, ...]] = field(default_factory=dict)

    @property
    def n_features(self) -> int:
        """Width of the encoded row it takes; 0 where it takes images."""
        return self.shape[0] if len(self.shape) == 1 else 0

    @property
    def n_parameters(self) -> int:
        """Number of trained values."""
        return sum(parameter.numel() for parameter in self.module.parameters())

    def score(self, x: npt.ArrayLike) -> Floats:
        """Return the logits of rows [n, *shape]: float32 [n] of a binary model or a regression, [n, K] of others."""
        import torch

        rows = np.asarray(x, dtype=np.float32)
        if rows.shape[1:] != self.shape:
            raise ValueError(f"the scorer takes rows of shape {self.shape}, got an array of shape {rows.shape}")
        device = next(self.module.parameters()).device
        step = max(1, CELLS_AT_ONCE // max(int(np.prod(self.shape)), 1))
        layout = torch.channels_last if rows.ndim == 4 else torch.contiguous_format  # convolutions are faster so
        parts = []
        with torch.no_grad():
            for start in range(0, len(rows), step):
                part = torch.from_numpy(rows[start : start + step]).to(device).contiguous(memory_format=layout)
                parts.append(self.module(part).float().cpu().numpy())
        if parts:
            z: Floats = np.concatenate(parts)
            return z if (self.shift, self.scale) == (0.0, 1.0) else np.float32(self.shift) + np.float32(self.scale) * z
        return np.zeros((0,) if self.outputs == 1 else (0, self.outputs), dtype=np.float32)
