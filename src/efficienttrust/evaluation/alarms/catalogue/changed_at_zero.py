"""An attack of radius 0 changes an outcome."""

from __future__ import annotations

from efficienttrust.evaluation.alarms._alarm import Alarm, alarms
from efficienttrust.evaluation.alarms._evidence import Evidence

NAME = "changed_at_zero"
MEANING = (
    "Robust accuracy at eps = 0 is not clean accuracy, row by row: attack and clean measurement do not look at the "
    "same model or the same inputs (training mode, randomness, another preprocessing)."
)


@alarms.register(NAME)
def changed_at_zero(evidence: Evidence) -> Alarm:
    """Count rows that moved, or on which the attacked model ends otherwise than it answers the clean row; one fires.

    Where a file's float parent is attacked, that the two differ is for `parent_differs` to say.
    """
    found, origin = evidence.at_zero, evidence.region.origin
    moved = (found.points != origin).flatten(1).any(1)
    flipped = found.right != evidence.victim_right
    hits = int((moved | flipped).sum())
    seen = f"of {evidence.n} rows {int(moved.sum())} moved and {int(flipped.sum())} changed their outcome at eps = 0"
    return Alarm(NAME, hits > 0, hits / evidence.n, 0.0, MEANING, seen)
