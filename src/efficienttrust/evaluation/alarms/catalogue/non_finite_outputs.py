"""The model answers NaN or infinity."""

from __future__ import annotations

import torch

from efficienttrust.evaluation.alarms._alarm import Alarm, alarms
from efficienttrust.evaluation.alarms._evidence import Evidence, answers

NAME = "non_finite_outputs"
MEANING = (
    "The model answers NaN or infinity for rows that are allowed: such a row counts as wrong, and no gradient leaves "
    "it."
)


@alarms.register(NAME)
def non_finite_outputs(evidence: Evidence) -> Alarm:
    """Look at the answers to clean rows, to attacked ones and to random points; one row fires."""
    drawn = evidence.region.points(evidence.region.start(torch.Generator().manual_seed(evidence.seed)))
    said = [evidence.clean, *(answers(evidence.shipped, points) for points in (evidence.pgd.points, drawn))]
    broken = [~logits.isfinite().reshape(evidence.n, -1).all(1) for logits in said]
    hits = int(torch.stack(broken).any(0).sum())
    parts = ", ".join(
        f"{int(one.sum())} {where}" for one, where in zip(broken, ("clean", "attacked", "random"), strict=True)
    )
    return Alarm(NAME, hits > 0, hits / evidence.n, 0.0, MEANING, f"not finite of {evidence.n} rows: {parts}")
