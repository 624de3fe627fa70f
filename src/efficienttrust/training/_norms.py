"""Batch norms after a network was changed: their statistics are taken anew from training rows."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from efficienttrust.data import Problem

ROWS = 2048
BATCH = 128


def recalibrate_norms(module: nn.Module, problem: Problem, *, seed: int) -> int:
    """Replace the running statistics of all batch norms by those of training rows under the present weights.

    Weights that were pruned or rounded give activations of another mean and spread than the statistics on record say.
    Rows are taken as they are, without augmentation.

    Args:
        module: The network, as deployed; its statistics are changed.
        problem: The problem.
        seed: Seed of the choice of rows.

    Returns:
        The number of rows that were read; 0 where there is no batch norm.
    """
    norms = [one for one in module.modules() if isinstance(one, nn.modules.batchnorm._BatchNorm)]
    norms = [one for one in norms if one.track_running_stats]
    if not norms:
        return 0
    train = problem.splits["train"]
    rows = np.sort(np.random.default_rng(seed).permutation(len(train))[:ROWS])
    momenta = [one.momentum for one in norms]
    for one in norms:
        one.reset_running_stats()
        one.momentum = None  # the mean over all batches
    module.eval()
    for one in norms:
        one.train()
    with torch.no_grad():
        for start in range(0, len(rows), BATCH):
            part = rows[start : start + BATCH]
            if len(part) > 1 or start == 0:
                module(torch.from_numpy(train.inputs(part)))
    for one, momentum in zip(norms, momenta, strict=True):
        one.momentum = momentum
    module.eval()
    return len(rows)
