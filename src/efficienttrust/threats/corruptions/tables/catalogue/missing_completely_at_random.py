"""MCAR: any cell may be missing, whatever it and the others hold."""

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
from efficienttrust.threats.corruptions.tables._missingness import lose_cells

if TYPE_CHECKING:
    import pandas as pd


def missing_completely_at_random(batch: Batch, level: float) -> Mapping[str, pd.Series[Any]]:
    """Empty every cell with the probability of the level."""
    return lose_cells(batch, ((column, level) for column in batch.scale.mutable))


table_corruptions.register("missing_completely_at_random", "mcar")(
    TableCorruption(
        name="missing_completely_at_random",
        definition="Every cell is missing with the same probability, independently of everything (MCAR, Rubin 1976).",
        unit="share of the cells",
        levels=SHARES,
        obstacle=without_columns,
        run=missing_completely_at_random,
    )
)
