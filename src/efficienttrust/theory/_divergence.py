"""The relative entropy of two coins, and its inverse."""

from __future__ import annotations

from numpy.typing import ArrayLike

from efficienttrust.metrics.values import Floats

HALVINGS = 60
"""Steps of a bisection on [0, 1] down to the spacing of floating-point numbers."""


def binary_kl(p: ArrayLike, q: ArrayLike) -> Floats:
    """Return kl(p || q) = p ln(p / q) + (1 - p) ln((1 - p) / (1 - q)) in nats, infinite where q excludes p."""
    import numpy as np
    from scipy import special

    a, b = np.asarray(p, dtype=np.float64), np.asarray(q, dtype=np.float64)
    divergence: Floats = special.rel_entr(a, b) + special.rel_entr(1 - a, 1 - b)
    return divergence


def kl_upper_inverse(p: float, nats: float) -> float:
    """Return the largest q >= p with kl(p || q) <= nats, rounded up: a safe upper limit."""
    low, high = p, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if binary_kl(p, middle) <= nats else (low, middle)
    return high
