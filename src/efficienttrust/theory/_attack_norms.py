"""The attacker's norm: its dual, in which weights are measured, and the point of its ball nearest to a given one.

Letters: p the attacker's norm, q its dual with 1/p + 1/q = 1, eps the radius. An attacker moves a linear score w.x by
at most eps |w|_q.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from efficienttrust.errors import unknown_name
from efficienttrust.theory._embedding import Floats

AttackNorm = Literal["l1", "l2", "linf"]
DUAL_ORDER: dict[str, float] = {"l1": np.inf, "l2": 2, "linf": 1}
"""Norm of the attacker -> order q of its dual."""


def dual_sizes(w: Floats, norm: str) -> Floats:
    """Return |w|_q along the last axis: what one unit of eps moves a linear score by."""
    if norm not in DUAL_ORDER:
        raise unknown_name("norm", norm, get_args(AttackNorm))
    sizes: Floats = np.linalg.norm(w, DUAL_ORDER[norm], axis=-1)
    return sizes


def dual_slopes(w: Floats, norm: str) -> Floats:
    """Return a subgradient of |w|_q along the last axis; the gradient wherever there is one."""
    if norm == "linf":
        slopes: Floats = np.sign(w)
    elif norm == "l2":
        slopes = w / np.maximum(np.linalg.norm(w, axis=-1, keepdims=True), np.finfo(float).tiny)
    else:
        largest = np.abs(w).argmax(axis=-1)[..., None] == np.arange(w.shape[-1])
        slopes = np.where(largest, np.sign(w), 0.0)
    return slopes


def nearest_in_ball(point: Floats, eps: float, norm: str) -> Floats:
    """Return the point of the eps-ball around 0 that is nearest to a point [d] in the Euclidean sense."""
    if norm not in DUAL_ORDER:
        raise unknown_name("norm", norm, get_args(AttackNorm))
    if norm == "linf":
        nearest: Floats = np.clip(point, -eps, eps)
        return nearest
    if eps == 0:
        return np.zeros_like(point)
    if np.linalg.norm(point, 1 if norm == "l1" else 2) <= eps:
        return point
    if norm == "l2":
        return point * (eps / float(np.linalg.norm(point)))
    # l1: shrink all entries by one amount, which follows from the sorted sizes (Duchi et al. 2008)
    sizes = np.sort(np.abs(point))[::-1]
    counts, sums = np.arange(1, len(sizes) + 1), np.cumsum(sizes)
    last = np.flatnonzero(sums - counts * sizes < eps)[-1]
    shrink = (sums[last] - eps) / counts[last]
    shrunk: Floats = np.sign(point) * np.maximum(np.abs(point) - shrink, 0.0)
    return shrunk
