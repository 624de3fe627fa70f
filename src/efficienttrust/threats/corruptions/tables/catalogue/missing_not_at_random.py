"""MNAR: whether a cell is missing depends on what it would have held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from efficienttrust.threats.corruptions.tables._batch import Batch
from efficienttrust.threats.corruptions.tables._corruption import (
    SHARES,
    TableCorruption,
    table_corruptions,
    without_columns,
)
from efficienttrust.threats.corruptions.tables._missingness import lose_cells, rank_probability

if TYPE_CHECKING:
    import pandas as pd


def missing_not_at_random(batch: Batch, level: float) -> Mapping[str, pd.Series[Any]]:
    """Empty the cells of every column; more of the high numbers and of the rare categories."""
    return lose_cells(batch, ((column, rank_probability(batch.rank(column), level)) for column in batch.scale.mutable))


table_corruptions.register("missing_not_at_random", "mnar")(
    TableCorruption(
        name="missing_not_at_random",
        definition=(
            "A cell is missing with a probability proportional to its own rank in its column: high numbers and rare "
            "categories most often (MNAR: Rubin 1976; rank rule of Rieger et al. 2010, on the own value)."
        ),
        unit="expected share of the cells of each column, over the training rows",
        levels=SHARES,
        obstacle=without_columns,
        run=missing_not_at_random,
    )
)
