"""Many steps find less than one."""

from __future__ import annotations

from efficienttrust.evaluation.alarms._alarm import Alarm, alarms, not_looked_for, of_rows
from efficienttrust.evaluation.alarms._evidence import Evidence

NAME = "weaker_than_one_step"
MEANING = (
    "A single step fools rows that twenty steps do not: the loss is rugged around them (as after catastrophic "
    "overfitting of fast adversarial training), and gradients mislead."
)
THRESHOLD = 0.01
"""Of all rows: with a random start many steps may miss a single row that one step hits."""


@alarms.register(NAME)
def weaker_than_one_step(evidence: Evidence) -> Alarm:
    """Count rows that fall to FGSM and stand under PGD."""
    if not evidence.victim.differentiable:
        return not_looked_for(NAME, MEANING, "the model gives no gradient")
    hits = int((evidence.pgd.right & ~evidence.fgsm.right).sum())
    seen = f"one step fools {hits} of {evidence.n} rows that PGD does not"
    return of_rows(NAME, hits, evidence.n, THRESHOLD, MEANING, seen)
