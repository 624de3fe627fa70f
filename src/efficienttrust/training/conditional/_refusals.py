"""What a conditional network cannot be combined with."""

from __future__ import annotations

from efficienttrust.errors import UsageError
from efficienttrust.training._distributed import present_team
from efficienttrust.training._trainer import TrainingTask
from efficienttrust.training.conditional._dialled import DialRange


def refuse_conditional(task: TrainingTask, dials: DialRange) -> None:
    """Refuse to train one network for all settings where there is nothing to set, or where it is not one network.

    Raises:
        UsageError: No target has a lever in training, the network is pruned or rounded while it trains, it learns from
            teachers beside the labels, or several processes share the training.
    """
    reason = ""
    if not (dials.fairness or dials.robustness):
        reason = "no target has a lever in training: name one on a gap between groups, or on an accuracy under attack"
    elif task.start is not None:
        reason = "the network is pruned or rounded while it trains: leave that out, or compress the finished run"
    elif task.distillation is not None:
        reason = "it would learn from teachers of one setting: leave the distillation out"
    elif present_team() is not None:
        reason = "several processes share the training: start without torchrun"
    if reason:
        raise UsageError(f"policy conditional: {reason}")
