"""Columns: what kind each one is, and its cells as numbers or category codes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data._stray_texts import Place, are_numbers, is_text, note_mostly_numbers, refuse_stray_texts
from efficienttrust.data._text import text_codes
from efficienttrust.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

NUMBERS = ("numeric", "integer")
DATE = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}|\d{1,2}[./-]\d{1,2}[./-]\d{4}")


@dataclass(frozen=True)
class Column:
    """One input column as it was inferred and is shown.

    Attributes:
        name: Name in the source.
        kind: `numeric`, `integer` or `categorical`.
        missing: Number of missing cells.
        unique: Number of distinct values that occur.
        mutable: False when the user declared it immutable.
        categories: Category texts in the order of the encoder (without rare ones); empty for numbers.
        low: Smallest value, `None` for categories.
        high: Largest value, `None` for categories.
    """

    name: str
    kind: str
    missing: int
    unique: int
    mutable: bool = True
    categories: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of one column, ready for arithmetic.

    Attributes:
        kind: `numeric`, `integer` or `categorical`.
        values: float64 with NaN for missing, or int32 codes into `texts` with -1 for missing.
        texts: Sorted category texts; empty for numbers.
    """

    kind: str
    values: NDArray[Any]
    texts: tuple[str, ...] = ()

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Which cells are missing."""
        return np.isnan(self.values) if self.kind in NUMBERS else self.values < 0

    def take(self, rows: NDArray[np.int64]) -> Cells:
        """Return the cells of some rows."""
        return Cells(self.kind, self.values[rows], self.texts)


def read_inputs(frame: pd.DataFrame, place: Place | None) -> tuple[dict[str, Cells], list[str]]:
    """Infer the kind of every column and read it; columns that cannot be an input are left out with a note.

    Args:
        frame: Candidates for inputs, indexed by the row in the source.
        place: Names the place of a row in messages; None where no cell may be told.

    Raises:
        UsageError: A column is text for the sake of a few cells among numbers, see `refuse_stray_texts`.
    """
    cells: dict[str, Cells] = {}
    notes: list[str] = []
    for name in frame.columns:
        read = _read(frame[name], place, notes)
        if isinstance(read, str):
            notes.append(f"column {name!r} dropped: {read}")
        else:
            cells[name] = read
    return cells, notes


def shown_column(
    name: str, cells: Cells, immutable: tuple[str, ...], categories: Mapping[str, tuple[str, ...]]
) -> Column:
    """Return what is shown of an input column."""
    observed = cells.values[~cells.missing]
    is_number = cells.kind in NUMBERS
    return Column(
        name=name,
        kind=cells.kind,
        missing=len(cells.values) - len(observed),
        unique=len(np.unique(observed)),
        mutable=name not in immutable,
        categories=categories.get(name, ()),
        low=float(observed.min()) if is_number else None,
        high=float(observed.max()) if is_number else None,
    )


def numbers(series: pd.Series[Any]) -> NDArray[np.float64]:
    """Return a column as float64 with NaN for missing; text and infinite values are errors naming column and row."""
    import pandas as pd

    name = str(series.name)
    if isinstance(series.dtype, pd.CategoricalDtype):
        series = series.astype(series.cat.categories.dtype)
    is_plain = pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_complex_dtype(series.dtype)
    if not is_plain and series.notna().any():
        kind = pd.api.types.infer_dtype(series, skipna=True)
        if kind not in {"integer", "floating", "mixed-integer-float", "decimal", "boolean"}:
            row, value = _first_not_a_number(series)
            raise UsageError(
                f"column {name!r}, row {row}: expected a number, got {value!r}. Correct or empty the cell."
            )
    values = series.to_numpy(dtype=np.float64, na_value=np.nan)
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        rows = ", ".join(str(row) for row in series.index[infinite[:5]]) + (", …" if len(infinite) > 5 else "")
        raise UsageError(
            f"column {name!r} holds {len(infinite)} infinite values (data rows {rows}). "
            "Leave the cells empty or drop the column."
        )
    return values


def _read(series: pd.Series[Any], place: Place | None, notes: list[str]) -> Cells | str:
    """Return the cells, or the reason why the column is no input."""
    import pandas as pd

    kind = pd.api.types.infer_dtype(series, skipna=True)
    if kind in {"datetime64", "datetime", "date", "timedelta64", "timedelta", "time", "period"}:
        return "it holds dates or times; derive numbers from it, or name it as the time order"
    if kind in {"integer", "floating", "mixed-integer-float", "decimal"} and series.dtype != "category":
        return _read_numbers(series)
    if kind == "complex":
        return "it holds complex numbers; split them into real ones"
    codes, texts = text_codes(series)
    if not texts:
        return "it has no values at all"
    if all(DATE.match(text) for text in texts[:50]):
        return "it holds dates as text; derive numbers from it, or name it as the time order"
    if place is not None:
        refuse_stray_texts(series, place)
    observed = np.count_nonzero(codes >= 0)
    if len(texts) == observed and observed > 10:
        if is_text(series) and are_numbers(texts).all():
            return "it holds numbers stored as text; convert it to numbers"
        return f"every one of its {observed} values is different (an identifier?)"
    if is_text(series):
        note_mostly_numbers(series, codes, texts, place, notes)
    return Cells("categorical", codes, texts)


def _read_numbers(series: pd.Series[Any]) -> Cells | str:
    values = numbers(series)
    observed = values[~np.isnan(values)]
    if not len(observed):
        return "it has no values at all"
    whole = bool(np.all(observed == np.rint(observed)))
    n = len(values)
    if whole and len(observed) == n > 10 and observed.min() + n - 1 == observed.max() and len(np.unique(values)) == n:
        return "it numbers the rows"
    return Cells("integer" if whole else "numeric", values)


def _first_not_a_number(series: pd.Series[Any]) -> tuple[object, object]:
    import numbers as abstract

    for row, value in series.items():
        if isinstance(value, str) or (value is not None and not isinstance(value, abstract.Number)):
            return row, value
    return 0, series.iloc[0]
