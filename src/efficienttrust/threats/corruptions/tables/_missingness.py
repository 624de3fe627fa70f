"""Which cells go missing: the three mechanisms of Rubin (1976) with one rule for the probability of a cell.

Letters: q is the level, the expected share of missing cells. r in [0, 1] is a mid-rank among the training cells, so
its mean there is 1/2 exactly, ties included. A cell is missing with probability 2 q r: linear in the rank, q on average
over the training rows, and at most 1 because no level exceeds 50 %. Probabilities proportional to ranks are MAR1 of
Rieger, Hothorn and Strobl 2010 (see Santos et al. 2019 for a review of mechanisms); it differs in that cells are drawn
one by one instead of until a quota is full, and that ranks are those of the training rows, so that a row's cells do not
depend on the rows beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from efficienttrust.threats.corruptions.tables._batch import Batch, Floats
from efficienttrust.threats.corruptions.tables._scale import CategoricalScale, NumericScale

if TYPE_CHECKING:
    import pandas as pd

Scale = NumericScale | CategoricalScale


def rank_probability(rank: Floats, level: float) -> Floats:
    """Return 2 q r, and q where there is no rank."""
    return np.where(np.isnan(rank), level, 2.0 * level * rank)


def lose_cells(batch: Batch, columns: Iterable[tuple[Scale, Floats | float]]) -> Mapping[str, pd.Series[Any]]:
    """Return the columns, each without the cells whose draw lies below their probability of going missing."""
    return {
        column.name: batch.with_missing(column, batch.uniform(column) < probability) for column, probability in columns
    }
