"""Layers that act otherwise in training were in training mode, or put themselves into it."""

from __future__ import annotations

from efficienttrust.evaluation.alarms._alarm import Alarm, alarms, not_looked_for
from efficienttrust.evaluation.alarms._evidence import Evidence
from efficienttrust.evaluation.subjects._training_mode import answering_in_training, in_training
from efficienttrust.threats._module import frozen

NAME = "train_mode_left_on"
MEANING = (
    "Dropout or batch normalisation was active as in training. Attacks here ran on a copy in evaluation mode; "
    "deployed as it was handed over, the model answers otherwise."
)
ASKED = 8
"""Images shown to a copy in evaluation mode, to see whether it stays in it."""


@alarms.register(NAME)
def train_mode_left_on(evidence: Evidence) -> Alarm:
    """Count the dropout and batch norm layers in training mode; one is too many.

    Images are also shown to a copy in evaluation mode, which a module may leave in `forward`.
    """
    module = evidence.module
    if module is None:
        return not_looked_for(NAME, MEANING, "the model is no torch module")
    active, where = in_training(module), "in training mode"
    if not active and evidence.pixels:
        copy = frozen(module)
        _, active = answering_in_training(copy, lambda: copy(evidence.region.origin[:ASKED]))
        where = "put into training mode by the model's own forward"
    seen = f"{len(active)} layers {where}: {', '.join(sorted(set(active)))}" if active else "no layer is"
    return Alarm(NAME, bool(active), float(len(active)), 0.0, MEANING, seen)
