"""Column loss: a supplier stops delivering whole columns."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from efficienttrust.threats.corruptions.tables._batch import Batch
from efficienttrust.threats.corruptions.tables._corruption import (
    SHARES,
    TableCorruption,
    table_corruptions,
    without_columns,
)

if TYPE_CHECKING:
    import pandas as pd


def column_loss(batch: Batch, level: float) -> Mapping[str, pd.Series[Any]]:
    """Empty whole columns, drawn by the seed without a look at any value."""
    columns = {column.name: column for column in batch.scale.mutable}
    count = ceil(level * len(columns) - 1e-9)  # the product may exceed a whole number by rounding
    everywhere = np.ones(len(batch.frame), dtype=bool)
    return {name: batch.with_missing(columns[name], everywhere) for name in batch.shuffled(list(columns))[:count]}


table_corruptions.register("column_loss")(
    TableCorruption(
        name="column_loss",
        definition="Whole columns are missing in every row, drawn at random without regard to values or labels.",
        unit="share of the columns, rounded up",
        levels=SHARES,
        obstacle=without_columns,
        run=column_loss,
    )
)
