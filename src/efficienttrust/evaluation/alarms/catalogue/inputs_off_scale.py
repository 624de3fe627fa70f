"""Images outside the declared box, or huddled in a corner of it."""

from __future__ import annotations

from efficienttrust.evaluation.alarms._alarm import Alarm, alarms, not_looked_for
from efficienttrust.evaluation.alarms._evidence import Evidence
from efficienttrust.threats import Ball

NAME = "inputs_off_scale"
MEANING = (
    "Images do not fill the box in which attacks measure eps, [0, 1]: they were divided twice, or normalised before. "
    "The same eps then means another change to the picture."
)
NARROWEST = 1 / 50
"""Of the box: pixels divided by 255 twice span 1/255; the dullest real set of pictures spans most of it."""


@alarms.register(NAME)
def inputs_off_scale(evidence: Evidence) -> Alarm:
    """Take the share of cells outside the box; all of them where together they span nearly nothing of it."""
    region = evidence.region
    if not isinstance(region, Ball) or not evidence.pixels:
        return not_looked_for(NAME, MEANING, "rows of a table have no common box")
    low, high = float(region.origin.min()), float(region.origin.max())
    narrow = high - low < NARROWEST * (region.upper - region.lower)
    outside = float(((region.origin < region.lower) | (region.origin > region.upper)).float().mean())
    share = 1.0 if narrow else outside
    seen = (
        f"pixels of {evidence.n} images span {low:.4g} to {high:.4g}, the box is {region.lower:g} to {region.upper:g}"
    )
    return Alarm(NAME, share > 0, share, 0.0, MEANING, seen)
