"""Fairness interventions in a training step: what a dial adds to the loss, and how it weighs rows.

Every intervention maps the answers to a batch to an `Effect`: factors on the losses of the rows, a value that is added
to the loss, and the gradient of that value by the logits. The step by hand and the step by autograd share them all, and
so do micro-batches and several processes, as an intervention always sees the whole batch. State lives as long as its
dial is above zero: turned off nothing of it remains, turned on again it starts afresh.

    >>> import torch
    >>> from efficienttrust.training.interventions import Answers, Groups, interventions
    >>> interventions.names()
    ['debias', 'fair_batch', 'group_dro', 'reweighing']
    >>> groups = Groups(torch.tensor([0, 0, 0, 1]), 2, torch.tensor([1, 1, 0, 0]), torch.ones(4), ())
    >>> answers = Answers(torch.arange(4), groups.y, torch.zeros(4), lambda: torch.ones(4))
    >>> interventions.get("reweighing")(groups).take(answers, 1.0).factor
    tensor([0.8571, 0.8571, 1.7143, 0.5714])
"""

from efficienttrust.training.interventions._groups import Groups, groups_of
from efficienttrust.training.interventions._intervention import Answers, Effect, Intervention, interventions
from efficienttrust.training.interventions._interventions import (
    NOTHING,
    Active,
    Interventions,
    effect_of,
    needs_answers,
    weighed,
)
from efficienttrust.training.interventions._joint import joint_effect

__all__ = [
    "NOTHING",
    "Active",
    "Answers",
    "Effect",
    "Groups",
    "Intervention",
    "Interventions",
    "effect_of",
    "groups_of",
    "interventions",
    "joint_effect",
    "needs_answers",
    "weighed",
]
