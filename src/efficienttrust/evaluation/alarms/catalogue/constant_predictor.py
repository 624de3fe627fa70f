"""The model decides the same for every row."""

from __future__ import annotations

import torch

from efficienttrust.evaluation.alarms._alarm import Alarm, alarms, not_looked_for
from efficienttrust.evaluation.alarms._evidence import Evidence

NAME = "constant_predictor"
MEANING = (
    "The model decides the same for every row: it cannot be fooled because it does not look, and robust accuracy is "
    "the share of one class."
)


@alarms.register(NAME)
def constant_predictor(evidence: Evidence) -> Alarm:
    """Take the share of the most frequent decision; all of them fires where the labels differ."""
    logits = evidence.clean
    decided = (logits > 0).long() if logits.ndim == 1 else logits.argmax(1)
    counts = torch.bincount(decided)
    classes = len(set(evidence.y.tolist()))
    if classes < 2:
        return not_looked_for(NAME, MEANING, f"the {evidence.n} rows are of one class")
    share = int(counts.max()) / evidence.n
    seen = f"{int(counts.max())} of {evidence.n} rows, of {classes} classes, get decision {int(counts.argmax())}"
    return Alarm(NAME, share >= 1.0, share, 1.0, MEANING, seen)
