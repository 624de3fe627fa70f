"""Rows stand although everything about them may be changed."""

from __future__ import annotations

from efficienttrust.evaluation.alarms._alarm import Alarm, alarms, not_looked_for, of_rows
from efficienttrust.evaluation.alarms._evidence import Evidence

NAME = "unbounded_attack_fails"
MEANING = (
    "Rows stand although the attack may turn them into anything: gradients do not lead where they should, or the "
    "model does not look at its inputs. Figures at smaller eps are too high."
)
THRESHOLD = 0.05
"""Of the rows: single ones may lie where the gradient of a sound network is flat."""


@alarms.register(NAME)
def unbounded_attack_fails(evidence: Evidence) -> Alarm:
    """Count rows that stand at the widest radius though they can fall.

    An image can become any other, so none has to stand. In a table only numeric columns move, so a row counts only
    where a search over corners and random points fools it.
    """
    stood = evidence.at_widest.right
    what = "the attack may turn an image into any other"
    if not evidence.pixels:
        if not evidence.victim.differentiable:
            return not_looked_for(NAME, MEANING, "no gradient to compare with a search")
        stood = stood & ~evidence.searched_widest
        what = "a search over corners and random points fools them"
    hits = int(stood.sum())
    return of_rows(NAME, hits, evidence.n, THRESHOLD, MEANING, f"{hits} of {evidence.n} rows stand where {what}")
