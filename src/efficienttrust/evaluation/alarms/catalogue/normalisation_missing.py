"""The model would be better on normalised images: its normalisation was left outside."""

from __future__ import annotations

import torch
from torch import Tensor

from efficienttrust.evaluation.alarms._alarm import Alarm, alarms, not_looked_for
from efficienttrust.evaluation.alarms._evidence import Evidence, answers
from efficienttrust.metrics.intervals import clopper_pearson

NAME = "normalisation_missing"
MEANING = (
    "The model is clearly more accurate on rescaled images than on the ones it was given: it was trained with a "
    "normalisation that is not part of it. Clean and robust accuracy are both of a misused model; put it inside."
)
LEAST_GAIN = 0.02
"""In accuracy. A model that holds its own normalisation only loses by a second one."""
DOUBT = 0.001
"""Level of the sign test on the rows whose answer changes: several rescalings are tried."""
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@alarms.register(NAME)
def normalisation_missing(evidence: Evidence) -> Alarm:
    """Compare accuracy on pixels as they are with that on usual rescalings of them, row by row.

    A gain fires when it is above `LEAST_GAIN` and the sign test on the rows that change excludes chance.
    """
    if not evidence.pixels:
        return not_looked_for(NAME, MEANING, "only images have usual normalisations")
    gain, sure, best = 0.0, False, "none"
    for name, images in _rescaled(evidence.region.origin).items():
        right = evidence.shipped.right(answers(evidence.shipped, images))
        won, lost = int((right & ~evidence.right).sum()), int((evidence.right & ~right).sum())
        if (won - lost) / evidence.n > gain:
            low = float(clopper_pearson(float(won), float(won + lost), DOUBT)[0])
            gain, sure, best = (won - lost) / evidence.n, low > 0.5, name
    accuracy = float(evidence.right.float().mean())
    seen = f"accuracy is {accuracy:.3f} as given; best rescaling of {evidence.n} images: {best}, {gain:+.3f}"
    return Alarm(NAME, gain > LEAST_GAIN and sure, gain, LEAST_GAIN, MEANING, seen)


def _rescaled(x: Tensor) -> dict[str, Tensor]:
    axes = (0, *range(2, x.ndim))
    own = (x - x.mean(axes, keepdim=True)) / x.std(axes, keepdim=True).clamp_min(1e-6)
    found = {"own mean and deviation": own, "to [-1, 1]": 2 * x - 1, "to 0-255": 255 * x}
    if x.shape[1] == 3:
        mean, deviation = (torch.tensor(values).reshape(1, 3, 1, 1) for values in IMAGENET)
        found["mean and deviation of ImageNet"] = (x - mean) / deviation
    return found
