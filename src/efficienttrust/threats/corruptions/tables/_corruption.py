"""What a table corruption is, and the one way to apply it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from efficienttrust.errors import UsageError, did_you_mean
from efficienttrust.registry import Registry
from efficienttrust.threats.corruptions.tables._batch import Batch
from efficienttrust.threats.corruptions.tables._scale import TableScale

if TYPE_CHECKING:
    import pandas as pd

SEVERITIES = (1, 2, 3, 4, 5)
SHARES = (0.05, 0.10, 0.20, 0.30, 0.50)
"""Share of the cells (or columns) that are hit at severities 1 to 5."""


@dataclass(frozen=True)
class TableCorruption:
    """A corruption of tables by name.

    Attributes:
        name: Name in targets and reports.
        definition: What it does to which cells, in one sentence, with the source.
        unit: What a level is, e.g. `share of the cells`.
        levels: The five levels of severities 1 to 5, in that unit.
        obstacle: Why a table with these scales cannot be corrupted in this way; empty when it can.
        run: (rows, level) -> the changed columns by name.
    """

    name: str
    definition: str
    unit: str
    levels: tuple[float, float, float, float, float]
    obstacle: Callable[[TableScale], str]
    run: Callable[[Batch, float], Mapping[str, pd.Series[Any]]]

    def level(self, severity: int) -> float:
        """Return the level of a severity from 1 to 5."""
        if severity not in SEVERITIES:
            raise UsageError(f"{self.name} has severities 1 to 5, not {severity!r}. Choose one of them.")
        return self.levels[severity - 1]


table_corruptions: Registry[TableCorruption] = Registry(
    "table corruption", "efficienttrust.threats.corruptions.tables.catalogue"
)


def corrupt_table(frame: pd.DataFrame, name: str, severity: int, *, columns: TableScale, seed: int = 0) -> pd.DataFrame:
    """Return a corrupted copy of raw rows: same rows, same columns, same order.

    A row's result depends on the row, its index label and the seed, not on the rows beside it; rows with the same label
    get the same random numbers. Types stay, except where a column cannot hold what it must: a missing cell turns whole
    numbers into floats and booleans into objects, as everywhere in pandas.

    Args:
        frame: Raw rows with at least the input columns; other columns are passed through.
        name: A name or alias in `table_corruptions`.
        severity: 1 (mild) to 5.
        columns: Scales of the input columns, from `table_scale`.
        seed: Seed of the corruption.

    Raises:
        UsageError: An unknown name, a severity outside 1 to 5, or a table that lacks an input column.

    Warns:
        UserWarning: The table has nothing that this corruption could change and comes back as it was.
    """
    corruption = table_corruptions.get(name)
    level = corruption.level(severity)
    _refuse_other_columns(frame, columns)
    corrupted = frame.copy()
    if note := corruption_note(name, columns):
        warnings.warn(note, UserWarning, stacklevel=2)
        return corrupted
    for column, cells in corruption.run(Batch(frame, columns, (seed, corruption.name)), level).items():
        corrupted[column] = cells
    return corrupted


def corruption_note(name: str, columns: TableScale) -> str:
    """Return one line that says why a corruption leaves tables like this as they are; empty when it does not."""
    corruption = table_corruptions.get(name)
    reason = corruption.obstacle(columns)
    return f"{corruption.name} leaves the table as it is: {reason}" if reason else ""


def without_numbers(scale: TableScale) -> str:
    """Return the obstacle of a corruption of numbers."""
    return "" if scale.mutable_numeric else "it has no numeric column that may change"


def without_columns(scale: TableScale) -> str:
    """Return the obstacle of a corruption of any column."""
    return "" if scale.mutable else "it has no column that may change"


def _refuse_other_columns(frame: pd.DataFrame, columns: TableScale) -> None:
    known = [str(name) for name in frame.columns]
    for column in columns.columns:
        count = known.count(column.name)
        if not count:
            raise UsageError(f"the table has no column {column.name!r}.{did_you_mean(column.name, known)}")
        if count > 1:
            raise UsageError(f"the table has {count} columns called {column.name!r}. Rename or drop the others.")
