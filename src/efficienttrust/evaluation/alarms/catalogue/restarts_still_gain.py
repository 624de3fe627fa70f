"""More random starts still find more."""

from __future__ import annotations

from efficienttrust.evaluation.alarms._alarm import Alarm, alarms, not_looked_for
from efficienttrust.evaluation.alarms._evidence import RESTARTS, Evidence
from efficienttrust.metrics.intervals import two_sided_z, wilson

NAME = "restarts_still_gain"
MEANING = (
    "Robust accuracy falls by more than its interval with more random starts: one start has not converged, and "
    "neither may five."
)
LEVEL = 0.95


@alarms.register(NAME)
def restarts_still_gain(evidence: Evidence) -> Alarm:
    """Hold the fall of robust accuracy against the lower arm of its Wilson interval."""
    if not evidence.victim.differentiable:
        return not_looked_for(NAME, MEANING, "the model gives no gradient")
    before, after = int(evidence.pgd.right.sum()), int(evidence.after_restarts.sum())
    low, _ = wilson(before, evidence.n, two_sided_z(LEVEL))
    fall, arm = (before - after) / evidence.n, before / evidence.n - float(low)
    seen = f"of {evidence.n} rows {before} stand after PGD, {after} after {RESTARTS} random starts"
    return Alarm(NAME, fall > arm, fall, arm, MEANING, seen)
