"""Numbers written in another unit: a factor on a share of the cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from efficienttrust.threats.corruptions.tables._batch import Batch, Floats
from efficienttrust.threats.corruptions.tables._corruption import SHARES, TableCorruption, without_numbers

if TYPE_CHECKING:
    import pandas as pd


def unit_error(name: str, what: str, convert: Callable[[Floats], Floats], *, one_column: bool) -> TableCorruption:
    """Return the corruption that converts a share of the cells of all numeric columns, or of one drawn by the seed.

    Args:
        name: Name of the corruption.
        what: What happens to a cell, e.g. `is multiplied by 10`.
        convert: The conversion.
        one_column: Whether a single column is hit.
    """

    def run(batch: Batch, level: float) -> Mapping[str, pd.Series[Any]]:
        columns = {column.name: column for column in batch.scale.mutable_numeric}
        hit = batch.shuffled(list(columns))[:1] if one_column else list(columns)
        changed = {}
        for column in (columns[key] for key in hit):
            values = batch.numbers(column)
            with np.errstate(over="ignore"):
                other = convert(values)
            changed[column.name] = batch.with_numbers(column, np.where(batch.uniform(column) < level, other, values))
        return changed

    where = "one numeric column, drawn by the seed," if one_column else "every numeric column"
    return TableCorruption(
        name=name,
        definition=f"Each cell of {where} {what} with the probability of the level (rounded in whole-number columns).",
        unit=f"share of the cells of {'that column' if one_column else 'each numeric column'}",
        levels=SHARES,
        obstacle=without_numbers,
        run=run,
    )
