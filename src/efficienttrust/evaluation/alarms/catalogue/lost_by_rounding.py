"""Success is lost when perturbed images are stored in 8 bits."""

from __future__ import annotations

import torch

from efficienttrust.evaluation.alarms._alarm import Alarm, alarms, not_looked_for, of_rows
from efficienttrust.evaluation.alarms._evidence import Evidence, answers
from efficienttrust.threats import Ball

NAME = "lost_by_rounding"
MEANING = (
    "Perturbed images that fool the model no longer do so once stored in 8 bits: the model lives on differences finer "
    "than a pixel value, or such images could not exist as files."
)
THRESHOLD = 0.25
"""Attacks stop just beyond the border, so a few fall back by chance; at small eps one in ten does on a sound model."""
LEVELS = 255


@alarms.register(NAME)
def lost_by_rounding(evidence: Evidence) -> Alarm:
    """Round fooling images to 8 bits, to the nearest value and away from the clean image; either may fool."""
    region = evidence.region
    if not evidence.pixels or not isinstance(region, Ball):
        return not_looked_for(NAME, MEANING, "rows are no images")
    if region.norm == "linf" and float(region.eps.max()) < 1 / LEVELS:
        return not_looked_for(NAME, MEANING, "eps is less than one step of 8 bits")
    fooled = torch.nonzero(evidence.right & ~evidence.pgd.right).squeeze(1)
    if not len(fooled):
        return not_looked_for(NAME, MEANING, f"none of {evidence.n} rows was fooled")
    origin, points = region.origin, evidence.pgd.points
    away = torch.where(points > origin, (LEVELS * points).ceil(), (LEVELS * points).floor()) / LEVELS
    outer = region.points(region.clip(away - origin))
    stood = torch.ones(evidence.n, dtype=torch.bool)
    for stored in ((LEVELS * points).round() / LEVELS, (LEVELS * outer).round() / LEVELS):
        stood &= evidence.shipped.right(answers(evidence.shipped, stored.clamp(region.lower, region.upper)))
    hits = int(stood[fooled].sum())
    return of_rows(NAME, hits, len(fooled), THRESHOLD, MEANING, f"{hits} of {len(fooled)} successes are lost in 8 bits")
