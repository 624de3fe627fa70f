"""The smallest weights of the whole network."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from efficienttrust.compression._workpiece import Workpiece
from efficienttrust.compression.pruning._masks import mask_lowest
from efficienttrust.compression.pruning._pruning import PruneStep, Pruning, prunings


def _apply(piece: Workpiece, step: PruneStep, _sample: NDArray[np.float32], _seed: int) -> None:
    mask_lowest(piece, step.amount, torch.abs)


prunings.register("magnitude")(
    Pruning("magnitude", "The smallest weights of all layers become zero (Han et al. 2015, by one threshold).", _apply)
)
