"""Pairs of a level with the reference, within data set, seed and the levels of all other factors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from efficienttrust.study._design import Factor
from efficienttrust.study.analysis._sections import Material
from efficienttrust.study.analysis._table import Floats
from efficienttrust.study.analysis._units import nanmean


@dataclass(frozen=True, eq=False)
class Paired:
    """Pairs of every level with the reference.

    Attributes:
        difference: By unit and level [units, levels].
        mean: Of the level over its pairs [units, levels].
        reference: Mean of the reference over the same pairs [units, levels].
        pairs: Number by unit and level [units, levels].
    """

    difference: Floats
    mean: Floats
    reference: Floats
    pairs: Floats


def paired(material: Material, column: str, factor: Factor) -> Paired:
    """Pair every level with the reference within unit and the levels of all other factors."""
    spread = material.table.spread(material.values(column), material.table.factors.index(factor))
    reference = spread[:, [factor.levels.index(factor.reference)]]
    both = np.isfinite(spread) & np.isfinite(reference)
    level, other = np.where(both, spread, np.nan), np.where(both, reference, np.nan)
    return Paired(nanmean(level - other, 2), nanmean(level, 2), nanmean(other, 2), both.sum(2).astype(float))
