"""The effect of interventions on one process's rows, where several processes may share a batch."""

from __future__ import annotations

import torch
from torch import Tensor

from efficienttrust.training._distributed import Share, Team
from efficienttrust.training.interventions._intervention import Answers, Effect
from efficienttrust.training.interventions._interventions import Active, effect_of


def joint_effect(
    team: Team | None,
    device: torch.device,
    active: Active,
    rows: Tensor,
    y: Tensor,
    z: Tensor | None = None,
    losses: Tensor | None = None,
) -> Effect:
    """Return what interventions do to this process's rows; every process sees the answers to the whole batch.

    Args:
        team: The processes; None is one.
        device: Where factors and gradients go.
        active: The interventions; in every process they remember the same.
        rows: [n] rows of the whole batch.
        y: [n] their labels.
        z: Logits of this process's rows, of two classes [m]; others are not passed on. None where nobody asks.
        losses: [m] weighted losses of this process's rows; None where nobody asks.
    """
    whole = [
        torch.zeros(0) if one is None or one.ndim > 1 else one.cpu() if team is None else team.gather(one, len(rows))
        for one in (z, losses)
    ]
    effect = effect_of(active, Answers(rows, y, whole[0], lambda: whole[1]))
    share = Share() if team is None else team.share
    factor, gradient = (None if one is None else share.of(one).to(device) for one in (effect.factor, effect.gradient))
    return Effect(factor, effect.value, gradient)
