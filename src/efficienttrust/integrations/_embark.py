"""What is checked before a loop begins, and what a step costs before there is a plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from efficienttrust.atats import TrustAction
from efficienttrust.errors import InfeasibleError, UsageError
from efficienttrust.integrations._losses import TrustLoss
from efficienttrust.models.counting import count_flops
from efficienttrust.resources import Budget, Ledger

WHOLE = TrustAction(adversarial_share=1.0)


def checked_budget(budget: Budget, model: nn.Module) -> Budget:
    """Return the budget if a loop over a given model can keep it.

    Raises:
        UsageError: It has no time limit, or limits what the loop cannot change.
        InfeasibleError: The model has more parameters than the budget allows.
    """
    if budget.time is None:
        raise UsageError("budget: a loop ends when its time does; give one, e.g. time=10min or time=2000 steps")
    if budget.time.clock == "epochs":
        raise UsageError("budget: epochs of your own loader are not known yet; write time=N samples (rows × epochs)")
    for resource in ("latency", "throughput"):
        if getattr(budget, resource) is not None:
            raise UsageError(
                f"budget: {resource} is a matter of the model you bring, which this loop only trains: leave it out"
            )
    count = sum(parameter.numel() for parameter in model.parameters())
    if budget.parameters is not None and count > budget.parameters:
        raise InfeasibleError(f"budget: the model has {count:,} parameters, more than parameters={budget.parameters:,}")
    return budget


def check_optimizer(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Refuse a model that cannot learn, an optimiser that is not the model's, and a team of processes.

    Raises:
        UsageError: No parameter asks for a gradient; the optimiser holds none of the model's; or there is a team.
    """
    distributed = torch.distributed
    if distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1:
        raise UsageError("ATATS steers a loop of one process, and this is one of several: train in one")
    learning = {id(one) for one in model.parameters() if one.requires_grad}
    if not learning:
        raise UsageError("the model has no parameter that asks for a gradient: there is nothing to train")
    held = {id(one) for group in optimizer.param_groups for one in group["params"]}
    if not held & learning:
        raise UsageError("the optimizer holds no parameter of this model: make it from model.parameters()")


def forward_flops(model: nn.Module, x: Any) -> float:
    """Return the operations of a forward pass of one row of a batch.

    Raises:
        UsageError: An operator has no formula.
    """
    if isinstance(x, Mapping):
        return count_flops(model, [], keywords={name: one[:1] for name, one in x.items()}).per_row
    return count_flops(model, [x[:1]]).per_row


def adversarial_cost(
    loss: TrustLoss, model: nn.Module, last: tuple[Any, Tensor] | None, ledger: Ledger, plain: float, forward: float
) -> float:
    """Return the cost of a step whose whole batch is attacked: counted, or measured on a batch.

    Args:
        loss: Attacks.
        model: The model.
        last: Inputs and labels of the last batch; None where there is none any more.
        ledger: The account.
        plain: Cost of a plain step.
        forward: Operations of a forward pass of one row.
    """
    if loss.levers.eps == 0 or last is None or ledger.clock in ("steps", "samples"):
        return plain
    x, y = last
    if ledger.clock == "flops":
        return loss.flops(forward, len(y), WHOLE)
    with ledger.phase("probe"):
        loss.attacked(model, x, y, WHOLE)  # the first one is slow
        before = ledger.used()
        loss.attacked(model, x, y, WHOLE)
        return plain + ledger.used() - before
