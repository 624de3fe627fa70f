"""Whether some direction improves several metrics at once: the shortest point of the hull of their gradients.

Letters: g_i the gradient of the loss i, scaled to length 1; v the point of their convex hull nearest to 0. As v is
nearest, g_i.v >= |v|^2 for every i: along -v / |v| every loss falls at |v| times its steepest rate, and no direction
has a better worst rate. v = 0 exactly if no direction improves all (Gordan 1873; Désidéri 2012).
"""

from __future__ import annotations

import numpy as np

from efficienttrust.theory._embedding import Floats

FLAT = 1e-12
"""Length below which a gradient counts as 0: that metric is at its optimum, to first order."""


def joint_improvement(gradients: Floats) -> tuple[Floats, Floats]:
    """Return directions [m, k] of length 1 that improve three losses, and at which share of their steepest rates [m].

    Args:
        gradients: [m, 3, k] of m points.

    Returns:
        Directions, 0 where there is none, and the shares: 0 where improving one metric must worsen another.
    """
    lengths = np.linalg.norm(gradients, axis=2)
    unit = gradients / np.maximum(lengths, FLAT)[..., None]
    gram = unit @ unit.swapaxes(1, 2)
    candidates = [*np.eye(3)[:, None], *(_on_edge(gram, i, j) for i, j in ((0, 1), (0, 2), (1, 2))), _inside(gram)]
    best, norm2 = np.zeros((len(unit), 3)), np.full(len(unit), np.inf)
    for weights in (np.broadcast_to(candidate, (len(unit), 3)) for candidate in candidates):
        size = np.einsum("mi,mij,mj->m", weights, gram, weights)
        better = size < norm2
        best, norm2 = np.where(better[:, None], weights, best), np.where(better, size, norm2)
    shortest = np.einsum("mi,mik->mk", best, unit)
    room = np.where((lengths > FLAT).all(axis=1), np.linalg.norm(shortest, axis=1), 0.0)
    directions: Floats = np.where(room[:, None] > 0, -shortest / np.maximum(room, FLAT)[:, None], 0.0)
    return directions, room


def _on_edge(gram: Floats, i: int, j: int) -> Floats:
    """Return the weights of the shortest point between two of the gradients [m, 3]."""
    apart = gram[:, i, i] + gram[:, j, j] - 2 * gram[:, i, j]
    share = np.clip((gram[:, j, j] - gram[:, i, j]) / np.maximum(apart, FLAT), 0.0, 1.0)
    weights = np.zeros((len(gram), 3))
    weights[:, i], weights[:, j] = share, 1 - share
    return weights


def _inside(gram: Floats) -> Floats:
    """Return the weights of the shortest point of the plane through all three where it is in the hull [m, 3].

    Else those of the first gradient. The pseudo-inverse of the bordered system covers parallel gradients.
    """
    bordered = np.zeros((len(gram), 4, 4))
    bordered[:, :3, :3], bordered[:, 3, :3], bordered[:, :3, 3] = gram, 1.0, 1.0
    weights = (np.linalg.pinv(bordered, rcond=1e-13, hermitian=True) @ np.array([0.0, 0.0, 0.0, 1.0]))[:, :3]
    valid = (weights >= 0).all(axis=1) & (np.abs(weights.sum(axis=1) - 1) < 1e-9)
    inside: Floats = np.where(valid[:, None], weights, np.array([1.0, 0.0, 0.0]))
    return inside
