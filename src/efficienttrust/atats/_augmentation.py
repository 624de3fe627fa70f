"""The augmentation dial: as strong as the budget has epochs for, then by how much is learned by heart.

Augmentation slows learning and widens what is learned. In a few epochs there is nothing to widen; in many a network
that is not made to see new variants learns its images by heart, which the gap between training and monitor accuracy
shows.
"""

from __future__ import annotations

import math

from efficienttrust.atats._state import TrustState

FULL_EPOCHS = 20.0  # epochs from which augmentation starts at full strength
LEAST = 0.25
WIDE, NARROW = 0.08, 0.02  # gaps of accuracy above which the dial rises, and below which it falls
MOVE = 0.15


def starting_augmentation(epochs: float) -> float:
    """Return the strength to start from when the budget buys so many epochs."""
    return min(max(epochs / FULL_EPOCHS, LEAST), 1.0)


def steered_augmentation(state: TrustState) -> tuple[float, str]:
    """Return the next strength and why; what cannot be judged stays as it is."""
    gap, present = state.generalisation_gap, state.dials.augmentation
    if math.isnan(gap) or NARROW <= gap <= WIDE:
        return present, ""
    said = f"training rows are {gap:+.3f} more accurate than monitor rows"
    if gap > WIDE:
        return min(present + MOVE, 1.0), said
    return max(present - MOVE, LEAST), said
