"""The model of variance that analysis of variance and diagnostics share."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from efficienttrust.study.analysis._linear import Coding

MOST_COLUMNS = 400
"""Of coded factors; beyond, interactions are left out, and a refusal says so."""


def coding_of(cells: NDArray[np.int64]) -> Coding:
    """Return the coding of main effects and, unless there are too many columns, interactions of two factors."""
    coding = Coding(cells, 1)
    sizes = [len(term.columns) for term in coding.terms]
    pairs = sum(a * b for a, b in itertools.combinations(sizes, 2))
    return Coding(cells, 2) if sum(sizes) + pairs <= MOST_COLUMNS else coding
