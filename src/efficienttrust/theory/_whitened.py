"""The point of a ball nearest to a mean in the metric of a covariance, with a certificate.

Letters: C the covariance, z a point of the eps-ball, w = C^-1 (mu - z). For every z and w, (w.mu - eps |w|_q) /
sqrt(w.C w) <= |C^(-1/2) (mu - z)|, with equality only at the optimum: the difference certifies how near it is.
"""

from __future__ import annotations

import math

import numpy as np

from efficienttrust.errors import UsageError
from efficienttrust.theory._attack_norms import dual_sizes, nearest_in_ball
from efficienttrust.theory._embedding import Floats

GAP = 1e-10
"""Certified difference at which the search ends."""
MOST_STEPS = 200_000


def whitened_nearest(mu: Floats, eps: float, norm: str, covariance: Floats) -> Floats:
    """Return argmin over |z| <= eps of |C^(-1/2) (mu - z)|, by accelerated projected gradients with restarts.

    Raises:
        UsageError: The covariance is so ill-conditioned that the search does not end.
    """
    inverse = np.linalg.inv(covariance)
    step = 1 / float(np.linalg.eigvalsh(inverse)[-1])
    z = ahead = nearest_in_ball(mu, eps, norm)
    momentum = 1.0
    for _ in range(MOST_STEPS):
        w = inverse @ (mu - z)
        distance = math.sqrt(max(float(w @ (mu - z)), 0.0))
        if distance <= GAP or distance - float(w @ mu - eps * dual_sizes(w, norm)) / distance <= GAP:
            return z
        moved = nearest_in_ball(ahead + step * (inverse @ (mu - ahead)), eps, norm)
        if float((ahead - moved) @ (moved - z)) > 0:
            momentum = 1.0
        after = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
        ahead = moved + (momentum - 1) / after * (moved - z)
        z, momentum = moved, after
    raise UsageError("the covariance is too ill-conditioned: drop or merge columns that nearly determine each other")
