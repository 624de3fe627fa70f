"""A search without gradients finds what gradients did not."""

from __future__ import annotations

from efficienttrust.evaluation.alarms._alarm import Alarm, alarms, not_looked_for, of_rows
from efficienttrust.evaluation.alarms._evidence import Evidence

NAME = "black_box_beats_white_box"
MEANING = (
    "Random points or Square fool rows that PGD with restarts and Auto-PGD did not: gradients mislead, and the true "
    "robust accuracy is lower than any attack by gradient says."
)
THRESHOLD = 0.002
"""Of all rows, as AutoAttack warns (Croce and Hein 2020)."""


@alarms.register(NAME)
def black_box_beats_white_box(evidence: Evidence) -> Alarm:
    """Count rows that stand under the white box and fall to the black box, on what is shipped."""
    if not evidence.victim.differentiable:
        return not_looked_for(NAME, MEANING, "the model gives no gradient: every attack on it is a black box")
    before, after = evidence.after_white_box, evidence.after_black_box
    hits = int((before & ~after).sum())
    seen = f"{int(before.sum())} of {evidence.n} rows stand under attacks by gradient; of these a search fools {hits}"
    return of_rows(NAME, hits, evidence.n, THRESHOLD, MEANING, seen)
