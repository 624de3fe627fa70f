"""The rows being corrupted: their cells, the random numbers of each row, and the way to write a changed column."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data._columns import numbers
from efficienttrust.data._random import priority, uniforms
from efficienttrust.data._text import text_codes
from efficienttrust.threats.corruptions.tables._draws import row_labels
from efficienttrust.threats.corruptions.tables._scale import CategoricalScale, NumericScale, TableScale

if TYPE_CHECKING:
    import pandas as pd

    Column = pd.Series[Any]

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Batch:
    """Raw rows, the scales of their columns, and the randomness of one corruption under one seed.

    Attributes:
        frame: Raw table with n rows; never changed.
        scale: Scales of its input columns.
        stream: What the random numbers are keyed by: seed and name of the corruption.
    """

    frame: pd.DataFrame
    scale: TableScale
    stream: tuple[object, ...]

    def uniform(self, column: NumericScale | CategoricalScale, purpose: str = "") -> Floats:
        """Return one number in (0, 1) per row, fixed by seed, corruption, column, purpose and the row's label."""
        return uniforms(row_labels(self.frame.index), *self.stream, column.name, purpose)

    def shuffled(self, names: list[str]) -> list[str]:
        """Return names in an order that depends on the seed, and not on the rows."""
        return sorted(names, key=lambda name: priority(*self.stream, name))

    def numbers(self, column: NumericScale) -> Floats:
        """Return the cells of a numeric column, NaN where missing."""
        return numbers(self.frame[column.name])

    def codes(self, column: CategoricalScale) -> NDArray[np.int64]:
        """Return category codes, -1 where missing, `len(column.categories)` where unknown."""
        return column.codes(self.frame[column.name])

    def observed(self, column: NumericScale | CategoricalScale) -> Rows:
        """Return which cells of a column are not missing."""
        if isinstance(column, NumericScale):
            return ~np.isnan(self.numbers(column))
        return text_codes(self.frame[column.name])[0] >= 0

    def rank(self, column: NumericScale | CategoricalScale) -> Floats:
        """Return mid-ranks in [0, 1] among the training cells, NaN where missing."""
        return column.rank(self.frame[column.name])

    def with_numbers(self, column: NumericScale, values: Floats) -> Column:
        """Return the column with new values, rounded where it is whole; a cell that would overflow keeps its value."""
        old = self.numbers(column)
        new = np.rint(values) if column.integer else values
        changed = ~np.isnan(old) & np.isfinite(new) & (new != old)
        return _put_numbers(self.frame[column.name], np.where(changed, new, old), changed)

    def with_missing(self, column: NumericScale | CategoricalScale, lost: Rows) -> Column:
        """Return the column without the cells in `lost`; cells that are already missing stay as they are."""
        series = self.frame[column.name]
        gone = lost & self.observed(column)
        return series.mask(gone) if gone.any() else series

    def with_categories(self, column: CategoricalScale, codes: NDArray[np.int64], changed: Rows) -> Column:
        """Return the column with the categories at `codes` written into the cells in `changed`."""
        return _put_values(self.frame[column.name], [column.values[code] for code in codes[changed]], changed)


def _put_numbers(series: Column, values: Floats, changed: Rows) -> Column:
    """Write numbers where they changed; the type of the column stays where it can hold them."""
    import pandas as pd

    if not changed.any():
        return series
    dtype = series.dtype
    if isinstance(dtype, np.dtype) and dtype.kind == "f":
        cells = series.to_numpy(copy=True)
        with np.errstate(over="ignore"):
            narrow = values[changed].astype(dtype)
        cells[changed] = np.where(np.isfinite(narrow), narrow, cells[changed])
        return pd.Series(cells, index=series.index, name=series.name)
    if isinstance(dtype, np.dtype) and dtype.kind in "iu":
        return _put_whole(series, values, changed)
    old = series[changed]
    return _put_values(series, [_like(cell, value) for cell, value in zip(old, values[changed], strict=True)], changed)


def _put_whole(series: Column, values: Floats, changed: Rows) -> Column:
    """Write whole numbers into an integer column, in a wider type where its own is too narrow."""
    import pandas as pd

    for dtype in (series.dtype, np.dtype(np.int64)):
        limits = np.iinfo(str(dtype))
        # 2.0**63 is a double and 2**63 - 1 is not, hence "less than the next one".
        if ((values[changed] >= limits.min) & (values[changed] < float(limits.max) + 1.0)).all():
            cells = series.to_numpy(copy=True).astype(str(dtype))
            cells[changed] = values[changed].astype(str(dtype))
            return pd.Series(cells, index=series.index, name=series.name)
    return pd.Series(values, index=series.index, name=series.name)


def _put_values(series: Column, values: list[Any], changed: Rows) -> Column:
    """Write any values into some cells; the type of the column stays where it can hold them."""
    import pandas as pd

    if not changed.any():
        return series
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        new = [value for value in dict.fromkeys(values) if value not in dtype.categories]
        series = series.cat.add_categories(new) if new else series
        dtype = series.dtype
    cells = series.to_numpy(dtype=object, copy=True) if len(series) else np.empty(0, dtype=object)
    cells[changed] = np.fromiter(values, dtype=object, count=len(values))
    whole = pd.Series(cells, index=series.index, name=series.name, dtype=object)
    try:
        return whole.astype(dtype)
    except (TypeError, ValueError):
        return whole


def _like(cell: object, value: np.float64) -> int | float | Decimal:
    number = float(value)
    if isinstance(cell, Decimal):
        return Decimal(repr(number))
    return int(number) if number.is_integer() else number
