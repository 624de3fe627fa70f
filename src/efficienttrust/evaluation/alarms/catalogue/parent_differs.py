"""The float parent decides otherwise than what is shipped."""

from __future__ import annotations

from efficienttrust.evaluation.alarms._alarm import Alarm, alarms, not_looked_for, of_rows
from efficienttrust.evaluation.alarms._evidence import Evidence, answers

NAME = "parent_differs"
MEANING = (
    "The model whose gradient is followed decides otherwise than what is shipped on the clean rows already: attacks "
    "crafted on it say little about the file."
)
THRESHOLD = 0.05
"""Of the rows: 8 bits change a few decisions near the border."""


@alarms.register(NAME)
def parent_differs(evidence: Evidence) -> Alarm:
    """Count clean rows on which the two decide otherwise about right and wrong."""
    if evidence.deployed is None:
        return not_looked_for(NAME, MEANING, "what is attacked is what is shipped")
    parent = evidence.objective.right(answers(evidence.objective, evidence.region.origin))
    hits = int((parent != evidence.right).sum())
    return of_rows(NAME, hits, evidence.n, THRESHOLD, MEANING, f"they differ on {hits} of {evidence.n} rows")
