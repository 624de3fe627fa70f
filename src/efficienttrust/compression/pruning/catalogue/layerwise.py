"""The smallest weights of each layer."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from efficienttrust.compression._workpiece import Workpiece
from efficienttrust.compression.pruning._masks import cut_to, deployed_weights, masks_of, zeros_of
from efficienttrust.compression.pruning._pruning import PruneStep, Pruning, prunings


def _apply(piece: Workpiece, step: PruneStep, _sample: NDArray[np.float32], _seed: int) -> None:
    masks = masks_of(piece)
    for weight, value in deployed_weights(piece):
        scores = torch.where(value == 0, -1.0, value.abs())
        cut_to([masks[weight.name]], [scores], zeros_of(step.amount, value.numel()))


prunings.register("layerwise")(
    Pruning("layerwise", "The same share of each layer becomes zero, its smallest weights (Han et al. 2015).", _apply)
)
