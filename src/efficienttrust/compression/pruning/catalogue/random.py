"""Weights drawn by chance: the control that every other method has to beat."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from efficienttrust.compression._workpiece import Workpiece
from efficienttrust.compression.pruning._masks import mask_lowest
from efficienttrust.compression.pruning._pruning import PruneStep, Pruning, prunings


def _apply(piece: Workpiece, step: PruneStep, _sample: NDArray[np.float32], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)

    def drawn(value: Tensor) -> Tensor:
        return torch.rand(value.shape, generator=generator)

    mask_lowest(piece, step.amount, drawn)


prunings.register("random")(Pruning("random", "Weights drawn by chance become zero: a control.", _apply))
