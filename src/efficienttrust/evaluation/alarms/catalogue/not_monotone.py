"""More power to the attack, fewer successes."""

from __future__ import annotations

import itertools

from efficienttrust.evaluation.alarms._alarm import Alarm, alarms, of_rows
from efficienttrust.evaluation.alarms._evidence import Evidence

NAME = "not_monotone"
MEANING = (
    "Robust accuracy rises with eps although a larger region holds the smaller one: the attack loses its way, so that "
    "figures at single radii are too high."
)
FACTORS = (0.5, 1.0, 2.0)
"""Radii, in units of the one in question; each is attacked on its own."""
THRESHOLD = 0.02
"""In accuracy: random starts move single rows either way."""


@alarms.register(NAME)
def not_monotone(evidence: Evidence) -> Alarm:
    """Attack at half, once and twice the radius and take the largest rise."""
    radii = [factor * evidence.eps for factor in FACTORS if factor * evidence.eps <= evidence.widest]
    stood = [
        int((evidence.pgd if radius == evidence.eps else evidence.attacked(evidence.regions(radius))).right.sum())
        for radius in radii
    ]
    rise = max([0, *(larger - smaller for smaller, larger in itertools.pairwise(stood))])
    shown = ", ".join(f"{one} at {radius:.3g}" for one, radius in zip(stood, radii, strict=True))
    return of_rows(NAME, rise, evidence.n, THRESHOLD, MEANING, f"of {evidence.n} rows stand: {shown}")
