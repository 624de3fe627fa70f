"""Alarms: signs that a figure of robust accuracy cannot be trusted, each with the number that decided.

Robust accuracy is an upper bound, and most published mistakes made it too high without anybody noticing: a model left
in training mode, a softmax that saturates, rounding that kills the gradient, normalisation in the wrong place. Each
alarm looks for one such fault. It has a value, a threshold with its reason, what the fault means, and what was seen on
how many rows; one that cannot be looked for (no gradient, no images) says so instead of staying silent.

Alarms look at `Evidence`: a victim, its regions and labels on a few hundred rows. Attacks are run when the first alarm
asks for them, and once. An alarm finds the fault it looks for; silence proves nothing.

    >>> import torch
    >>> from efficienttrust.threats import ModuleVictim, ball
    >>> model, x = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 3)), torch.rand(40, 3, 2, 2)
    >>> y = model(x).argmax(1)
    >>> evidence = gather(ModuleVictim(model), lambda eps: ball(x, eps), y, 8 / 255, widest=1.0, pixels=True)
    >>> [alarm.name for alarm in raise_alarms(evidence) if alarm.name == "zero_gradients" and alarm.fired]
    []

References:
    Carlini et al. 2019, "On evaluating adversarial robustness". Croce and Hein 2020, "Reliable evaluation of
    adversarial robustness". Pintor et al. 2022, "Indicators of attack failure".
"""

from efficienttrust.evaluation.alarms._alarm import Alarm as Alarm
from efficienttrust.evaluation.alarms._alarm import Inspect as Inspect
from efficienttrust.evaluation.alarms._alarm import alarms as alarms
from efficienttrust.evaluation.alarms._alarm import raise_alarms as raise_alarms
from efficienttrust.evaluation.alarms._evidence import Evidence as Evidence
from efficienttrust.evaluation.alarms._evidence import gather as gather

__all__ = ["Alarm", "Evidence", "Inspect", "alarms", "gather", "raise_alarms"]
