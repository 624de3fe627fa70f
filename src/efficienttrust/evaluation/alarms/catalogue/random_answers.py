"""The model answers the same rows differently each time."""

from __future__ import annotations

from efficienttrust.evaluation.alarms._alarm import Alarm, alarms
from efficienttrust.evaluation.alarms._evidence import Evidence, answers

NAME = "random_answers"
MEANING = (
    "The model answers the same rows differently each time: a gradient points at one draw, a success may be luck, and "
    "the same attack gives another figure tomorrow."
)
TOLERANCE = 1e-4
"""Relative difference between two answers that the order of additions explains in float32."""


@alarms.register(NAME)
def random_answers(evidence: Evidence) -> Alarm:
    """Ask twice; a single row that differs by more than rounding fires."""
    first, again = evidence.clean, answers(evidence.shipped, evidence.region.origin)
    first, again = first.reshape(evidence.n, -1), again.reshape(evidence.n, -1)
    gap = (first - again).abs().nan_to_num(0.0).amax(1)
    differ = gap > TOLERANCE * first.abs().nan_to_num(0.0).amax(1).clamp_min(1.0)
    hits = int(differ.sum())
    seen = f"two passes over {evidence.n} rows differ in {hits} of them, by up to {float(gap.max()):.3g}"
    return Alarm(NAME, hits > 0, hits / evidence.n, 0.0, MEANING, seen)
