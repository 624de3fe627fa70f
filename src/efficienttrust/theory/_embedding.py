"""A network with removed units, in the shapes of the one that it was cut from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Layers = Sequence[tuple[NDArray[Any], NDArray[Any]]]
"""One `(W [in, out], b [out])` per layer, as in `efficienttrust.compression.NetworkScorer`."""


def embedded(layers: Layers, changed: Layers) -> list[tuple[Floats, Floats]]:
    """Return a network with removed hidden units in the shapes of the original, its function unchanged.

    A unit that is not there is one with zero weights in and out, wherever it stands; so any place gives a valid bound.
    Each unit takes the place of the original one whose incoming weights are nearest, by the best assignment.

    Raises:
        ValueError: Another number of layers, inputs or outputs, or a wider layer.
    """
    if len(layers) != len(changed):
        raise ValueError(f"the networks have {len(layers)} and {len(changed)} layers: no bound by weights applies")
    from scipy.optimize import linear_sum_assignment

    found, kept = [], np.arange(layers[0][0].shape[0])
    for place, ((w, b), (v, c)) in enumerate(zip(layers, changed, strict=True)):
        if v.shape[0] != len(kept) or v.shape[1] > w.shape[1] or (place == len(layers) - 1 and v.shape[1] < w.shape[1]):
            raise ValueError(f"layer {place} has the shape {v.shape}, which is not part of {w.shape}")
        rows = np.zeros((w.shape[0], v.shape[1]))
        rows[kept] = v
        kept = np.arange(w.shape[1])
        if v.shape[1] < w.shape[1]:
            distance = [np.abs(w - rows[:, [unit]]).sum(axis=0) + np.abs(b - c[unit]) for unit in range(v.shape[1])]
            kept = linear_sum_assignment(np.array(distance).reshape(v.shape[1], w.shape[1]))[1]
        full, bias = np.zeros(w.shape), np.zeros(b.shape)
        full[:, kept], bias[kept] = rows, c
        found.append((full, bias))
    return found
