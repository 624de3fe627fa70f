"""The loss has no usable gradient at rows that the model gets right."""

from __future__ import annotations

from efficienttrust.evaluation.alarms._alarm import Alarm, alarms, not_looked_for, of_rows
from efficienttrust.evaluation.alarms._evidence import Evidence

NAME = "zero_gradients"
MEANING = (
    "The gradient of the loss is exactly zero or not a number at rows that are right: attacks by cross-entropy stand "
    "still there, and the rows look robust (saturated softmax, rounding, argmax, a cut graph)."
)
THRESHOLD = 0.02
"""Of the rows that are right: dead units switch off a single row of a sound network now and then."""


@alarms.register(NAME)
def zero_gradients(evidence: Evidence) -> Alarm:
    """Take the gradient of the cross-entropy (one logit: of the margin) with respect to every cell that may change."""
    if not evidence.victim.differentiable:
        return not_looked_for(NAME, MEANING, "the model gives no gradient")
    free = evidence.free.flatten(1)
    rows = evidence.correct[free[evidence.correct].any(1)]
    if not len(rows):
        return not_looked_for(NAME, MEANING, "no row is right and may be moved")
    gradient = evidence.slope(
        evidence.region.origin, lambda logits: evidence.objective.loss(logits, "cross_entropy")
    ).flatten(1)[rows]  # fmt: skip
    broken = ~gradient.isfinite().all(1)
    zero = (gradient * free[rows] == 0).all(1) & ~broken
    hits = int((zero | broken).sum())
    seen = f"zero at {int(zero.sum())} and not finite at {int(broken.sum())} of {len(rows)} rows that are right"
    return of_rows(NAME, hits, len(rows), THRESHOLD, MEANING, seen)
