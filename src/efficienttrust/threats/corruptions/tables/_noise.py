"""How strong noise is, the same for every kind of it."""

from __future__ import annotations

NOISE_LEVELS = (0.1, 0.25, 0.5, 0.75, 1.0)
"""Standard deviation of the noise in training standard deviations of the column. Tables have no standard severities."""
NOISE_UNIT = "standard deviation of the noise, in training standard deviations of the column"
