"""What fooled the model under attack does not fool what is shipped."""

from __future__ import annotations

import torch

from efficienttrust.evaluation.alarms._alarm import Alarm, alarms, not_looked_for, of_rows
from efficienttrust.evaluation.alarms._evidence import Evidence, answers

NAME = "success_not_confirmed"
MEANING = (
    "What is shipped is right at points that fooled the model whose gradient was followed: the two differ, and "
    "attacks by transfer are weaker than they look."
)
THRESHOLD = 0.05
"""Points just beyond the border of a float parent may fall back in an 8-bit file; more than a few say it is another."""


@alarms.register(NAME)
def success_not_confirmed(evidence: Evidence) -> Alarm:
    """Ask what is shipped about every point that fooled the model under attack."""
    fooled = torch.nonzero(evidence.right & ~evidence.pgd.right).squeeze(1)
    if not len(fooled):
        return not_looked_for(NAME, MEANING, f"none of {evidence.n} rows was fooled, so there is nothing to confirm")
    stood = evidence.shipped.right(answers(evidence.shipped, evidence.pgd.points))[fooled]
    hits = int(stood.sum())
    seen = f"what is shipped is right at {hits} of {len(fooled)} points that fooled the model under attack"
    return of_rows(NAME, hits, len(fooled), THRESHOLD, MEANING, seen)
