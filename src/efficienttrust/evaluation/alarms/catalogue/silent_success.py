"""A path passed through success and the attack reported failure."""

from __future__ import annotations

from efficienttrust.evaluation.alarms._alarm import Alarm, alarms, not_looked_for
from efficienttrust.evaluation.alarms._evidence import Evidence

NAME = "silent_success"
MEANING = "The attack passed through a point that fools the model and did not keep it: figures are too high."


@alarms.register(NAME)
def silent_success(evidence: Evidence) -> Alarm:
    """Compare the lowest margin along a path with the one that the attack kept; one row lost fires."""
    if not evidence.victim.differentiable:
        return not_looked_for(NAME, MEANING, "the model gives no gradient")
    if evidence.region.valid(evidence.region.origin) is not None:
        return not_looked_for(NAME, MEANING, "points on the way may break relations between columns")
    path, kept = evidence.path
    lost = int(((path.amin(0) <= 0) & (kept > path.amin(0))).sum())
    seen = f"on {lost} of {evidence.n} paths a success was passed and not kept"
    return Alarm(NAME, lost > 0, lost / evidence.n, 0.0, MEANING, seen)
