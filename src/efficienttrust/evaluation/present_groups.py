"""Groups that have rows: one that is too small to steer by would hide all others from a search."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]


def present_groups(codes: Codes, names: tuple[str, ...]) -> tuple[Codes, tuple[str, ...]]:
    """Return codes [n] and names of the groups that occur; rows of no group keep the code -1."""
    found = np.unique(codes[codes >= 0])
    place = np.full(len(names) + 1, -1, dtype=np.int64)  # the last for rows of no group
    place[found] = np.arange(len(found))
    return place[codes], tuple(names[code] for code in found)
