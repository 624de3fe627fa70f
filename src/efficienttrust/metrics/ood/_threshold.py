"""The threshold that 95 % of the inside rows pass."""

from __future__ import annotations

from typing import Final

import numpy as np

from efficienttrust.metrics.values import Floats

MISSED: Final = 5
"""Percent of the inside rows that may fall below the threshold."""


def threshold_at_95_tpr(inside: Floats) -> float:
    """Return the highest score that at least 95 % of the inside rows reach; ties pass together."""
    below = len(inside) * MISSED // 100  # in whole numbers: 0.05 * 20 may round to less than 1
    return float(np.partition(inside, below)[below])
