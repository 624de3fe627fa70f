"""How many steps a budget buys at a width: a network that is too wide for its budget is not trained at all."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from efficienttrust.data import Problem
from efficienttrust.evaluation.rates import ROBUST_METRICS
from efficienttrust.models import MLP
from efficienttrust.pipeline._request import Request
from efficienttrust.resources import Ledger
from efficienttrust.training._batches import batch_size_for

TRAINING_SHARE = 0.6  # of what is left: the rest goes into looks, calibration and export
TIMED, WARM_UP = 4, 2
ATTACKED_STEP = 1.5  # a step with half of its batch attacked, in plain steps
FORWARD_PASSES = 3.0  # of a plain step


def affordable_steps(problem: Problem, request: Request, ledger: Ledger) -> Callable[[MLP], float]:
    """Return what tells how many steps of a network the rest of a budget buys; infinitely many where it is counted.

    Args:
        problem: The problem.
        request: What was asked for.
        ledger: The account; timing a few steps is charged to the phase that is open.
    """
    size = min(batch_size_for(len(problem.splits["train"])), len(problem.splits["train"]))
    robust = any(target.metric in ROBUST_METRICS for target in request.targets)
    factor = ATTACKED_STEP if robust else 1.0

    def steps(network: MLP) -> float:
        left = ledger.remaining()
        if not math.isfinite(left) or ledger.clock in ("steps", "samples"):
            return math.inf
        if ledger.clock == "flops":
            each = FORWARD_PASSES * size * network.flops_per_row()
        else:
            each = _timed(network, size, ledger)
        return TRAINING_SHARE * left / (factor * each)

    return steps


def _timed(network: MLP, size: int, ledger: Ledger) -> float:
    x, gradient = torch.zeros(size, network.n_features), torch.zeros(size)
    for _ in range(WARM_UP):
        network.write_gradients(network.activations(x), gradient)
    before = ledger.used()
    for _ in range(TIMED):
        network.write_gradients(network.activations(x), gradient)
    return max((ledger.used() - before) / TIMED, 1e-7)
