"""Layers that act otherwise in training were in training mode when the model was handed over."""

from __future__ import annotations

from torch import nn

from efficienttrust.evaluation.alarms._alarm import Alarm, alarms, not_looked_for
from efficienttrust.evaluation.alarms._evidence import Evidence

NAME = "train_mode_left_on"
MEANING = (
    "Dropout or batch normalisation was active as in training. Attacks here ran on a copy in evaluation mode; "
    "deployed as it was handed over, the model answers otherwise."
)
ACTIVE = (nn.modules.dropout._DropoutNd, nn.modules.batchnorm._BatchNorm)


@alarms.register(NAME)
def train_mode_left_on(evidence: Evidence) -> Alarm:
    """Count the dropout and batch norm layers in training mode; one is too many."""
    if evidence.module is None:
        return not_looked_for(NAME, MEANING, "the model is no torch module")
    active = [
        type(layer).__name__ for layer in evidence.module.modules() if isinstance(layer, ACTIVE) and layer.training
    ]
    seen = f"{len(active)} layers in training mode: {', '.join(sorted(set(active)))}" if active else "no layer is"
    return Alarm(NAME, bool(active), float(len(active)), 0.0, MEANING, seen)
