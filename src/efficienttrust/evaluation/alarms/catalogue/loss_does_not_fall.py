"""The attack walks, but not downhill."""

from __future__ import annotations

from efficienttrust.evaluation.alarms._alarm import Alarm, alarms, not_looked_for, of_rows
from efficienttrust.evaluation.alarms._evidence import Evidence

NAME = "loss_does_not_fall"
MEANING = (
    "Along twenty steps the margin never gets below that at the random start: the steps lead nowhere, because the "
    "loss is flat or its gradient points elsewhere."
)
THRESHOLD = 0.05
"""Of the rows that are right; on a sound network already the first step lowers nearly every margin."""


@alarms.register(NAME)
def loss_does_not_fall(evidence: Evidence) -> Alarm:
    """Count rows whose margin never falls below that of the first point of the path."""
    if not evidence.victim.differentiable:
        return not_looked_for(NAME, MEANING, "the model gives no gradient")
    rows = evidence.correct[evidence.movable[evidence.correct].flatten(1).any(1)]
    if not len(rows):
        return not_looked_for(NAME, MEANING, "no row is right and may be moved continuously")
    path = evidence.path[0][:, rows]
    hits = int((~(path[1:].amin(0) < path[0])).sum())
    seen = f"at {hits} of {len(rows)} rows that are right {len(path) - 1} steps never lower the margin"
    return of_rows(NAME, hits, len(rows), THRESHOLD, MEANING, seen)
