"""Impulse noise: salt and pepper, as bit errors leave it."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from efficienttrust.threats.corruptions._corruption import image_corruptions
from efficienttrust.threats.corruptions._streams import RowStreams

AMOUNT = {"cifar": (0.01, 0.02, 0.03, 0.05, 0.07), "imagenet": (0.03, 0.06, 0.09, 0.17, 0.27)}
"""Share of the values that are replaced."""

_HUGE = 1e12  # takes what is outside by the least step of a draw beyond [0, 1]


@image_corruptions.register("impulse_noise")
def impulse_noise(images: Tensor, severity: int, generator: RowStreams, table: str) -> Tensor:
    """A share of all values, of each channel for itself, turns 0 or 1 with equal chance."""
    amount = AMOUNT[table][severity - 1]
    draw = generator.uniform(-0.5, 0.5, *images.shape[1:])
    outside = functional.softshrink(draw, 0.5 - amount / 2)  # 0 but for the two ends of the draw
    return outside.mul_(_HUGE).add_(images).clamp_(0.0, 1.0)
