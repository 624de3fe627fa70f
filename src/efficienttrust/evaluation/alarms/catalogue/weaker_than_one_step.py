"""Many steps find less than one."""

from __future__ import annotations

from efficienttrust.evaluation.alarms._alarm import Alarm, alarms, not_looked_for, of_rows
from efficienttrust.evaluation.alarms._evidence import RESTARTS, Evidence

NAME = "weaker_than_one_step"
MEANING = (
    "A single step fools rows that twenty steps do not, from any start: the loss is rugged around them, and its "
    "gradient misleads an attack that follows it."
)
THRESHOLD = 0.01
"""Of all rows. From one start many steps miss a row in fifty even on a sound network, hence `RESTARTS` of them."""


@alarms.register(NAME)
def weaker_than_one_step(evidence: Evidence) -> Alarm:
    """Count rows that fall to FGSM and stand under PGD with restarts."""
    if not evidence.victim.differentiable:
        return not_looked_for(NAME, MEANING, "the model gives no gradient")
    hits = int((evidence.after_restarts & ~evidence.fgsm.right).sum())
    seen = f"one step fools {hits} of {evidence.n} rows that PGD from {RESTARTS} starts does not"
    return of_rows(NAME, hits, evidence.n, THRESHOLD, MEANING, seen)
