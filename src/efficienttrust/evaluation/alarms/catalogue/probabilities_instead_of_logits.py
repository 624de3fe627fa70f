"""The model gives probabilities where attacks expect logits."""

from __future__ import annotations

from efficienttrust.evaluation.alarms._alarm import Alarm, alarms, not_looked_for, of_rows
from efficienttrust.evaluation.alarms._evidence import Evidence, answers

NAME = "probabilities_instead_of_logits"
MEANING = (
    "A softmax or sigmoid at the end rounds confident rows to 0 and 1, where the gradient vanishes: an attack by "
    "gradient looks weaker than it is. Hand over the layer before it."
)
SUM_TOLERANCE = 1e-3
THRESHOLD = 0.99
"""Logits fall into [0, 1] and add up to 1 by chance in single rows, never in nearly all of them."""


@alarms.register(NAME)
def probabilities_instead_of_logits(evidence: Evidence) -> Alarm:
    """Take the share of rows whose answers are within [0, 1] and add up to 1 (a single number: are within [0, 1])."""
    if not evidence.victim.differentiable:
        return not_looked_for(NAME, MEANING, "the model gives no gradient")
    logits = answers(evidence.objective, evidence.region.origin)
    wide = logits.reshape(evidence.n, -1)
    within = ((wide >= 0) & (wide <= 1)).all(1)
    if logits.ndim == 2:
        within &= (wide.sum(1) - 1).abs() <= SUM_TOLERANCE
    hits = int(within.sum())
    what = "lie in [0, 1] and add up to 1" if logits.ndim == 2 else "lie in [0, 1]"
    return of_rows(NAME, hits, evidence.n, THRESHOLD, MEANING, f"answers to {hits} of {evidence.n} rows {what}")
