"""Salt and pepper: cells stuck at an end of the scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from efficienttrust.threats.corruptions.tables._batch import Batch
from efficienttrust.threats.corruptions.tables._corruption import TableCorruption, table_corruptions, without_numbers

if TYPE_CHECKING:
    import pandas as pd


def salt_and_pepper(batch: Batch, level: float) -> Mapping[str, pd.Series[Any]]:
    """Set each cell to the column's smallest or largest training value, each with half the probability of the level."""
    changed = {}
    for column in batch.scale.mutable_numeric:
        draw, values = batch.uniform(column), batch.numbers(column)
        end = np.where(batch.uniform(column, "end") < 0.5, column.low, column.high)
        changed[column.name] = batch.with_numbers(column, np.where(draw < level, end, values))
    return changed


table_corruptions.register("salt_and_pepper", "salt", "salt_and_pepper_noise")(
    TableCorruption(
        name="salt_and_pepper",
        definition=(
            "Numeric cells become the smallest or the largest value of their column in training, one as often as the "
            "other (shares of the impulse noise of Hendrycks and Dietterich 2019)."
        ),
        unit="share of the cells of each numeric column",
        levels=(0.03, 0.06, 0.09, 0.17, 0.27),
        obstacle=without_numbers,
        run=salt_and_pepper,
    )
)
