"""MAR: whether a cell is missing depends on another column that stays observed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from efficienttrust.threats.corruptions.tables._batch import Batch
from efficienttrust.threats.corruptions.tables._corruption import SHARES, TableCorruption, table_corruptions
from efficienttrust.threats.corruptions.tables._missingness import Scale, lose_cells, rank_probability
from efficienttrust.threats.corruptions.tables._scale import NumericScale, TableScale

if TYPE_CHECKING:
    import pandas as pd


def missing_at_random(batch: Batch, level: float) -> Mapping[str, pd.Series[Any]]:
    """Empty the cells of all columns but the driver; more of them where the driver ranks high."""
    driver = driver_of(batch.scale)
    probability = rank_probability(batch.rank(driver), level)
    return lose_cells(batch, ((column, probability) for column in batch.scale.mutable if column is not driver))


def driver_of(scale: TableScale) -> Scale:
    """Return the column that decides: one that cannot be lost anyway, else complete in training, else numeric."""
    return min(scale.columns, key=lambda c: (c.mutable, not c.complete, not isinstance(c, NumericScale)))


def _obstacle(scale: TableScale) -> str:
    if not scale.mutable:
        return "it has no column that may change"
    return "" if len(scale.columns) > 1 else "it has no second column for the missing cells to depend on"


table_corruptions.register("missing_at_random", "mar")(
    TableCorruption(
        name="missing_at_random",
        definition=(
            "Cells are missing with a probability proportional to the row's rank in one other column, which stays "
            "observed (MAR: Rubin 1976; rank rule of Rieger et al. 2010); an immutable column where there is one, else "
            "the first complete one, numbers first; a row without it takes the level."
        ),
        unit="expected share of the cells of the other columns, over the training rows",
        levels=SHARES,
        obstacle=_obstacle,
        run=missing_at_random,
    )
)
