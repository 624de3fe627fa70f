"""How a foreign model takes a table: raw columns by name, raw numbers as a matrix, or the encoded matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data import Encoder
from efficienttrust.data._columns import numbers
from efficienttrust.errors import UsageError, did_you_mean
from efficienttrust.evaluation.subjects._rows import Inputs, Rows, as_unit

if TYPE_CHECKING:
    import pandas as pd

Wish = Literal["auto", "raw", "encoded"]
WISHES = ("auto", "raw", "encoded")


@dataclass(frozen=True, eq=False)
class Layout:
    """What a model is fed.

    Attributes:
        kind: `columns` (a frame of raw columns), `numbers` (a float matrix of raw columns), `encoded` (the matrix of
            the problem's encoder) or `images`.
        columns: Raw columns, in order.
        encoder: Of the problem, for `encoded`.
        text: For people.
        note: What a reader must know, or an empty text.
    """

    kind: Literal["columns", "numbers", "encoded", "images"]
    columns: tuple[str, ...] = ()
    encoder: Encoder | None = None
    text: str = ""
    note: str = ""

    def frame(self, inputs: pd.DataFrame) -> pd.DataFrame:
        """Return the raw columns in order."""
        lacking = [name for name in self.columns if name not in inputs.columns]
        if lacking:
            raise UsageError(f"the table has no column {lacking[0]!r}.{did_you_mean(lacking[0], inputs.columns)}")
        return inputs[list(self.columns)]

    def matrix(self, inputs: Inputs) -> NDArray[Any]:
        """Return float32 rows: encoded, raw numbers (float64), or images in [0, 1]."""
        if self.kind == "images":
            return as_unit(inputs)
        if isinstance(inputs, np.ndarray):
            return np.ascontiguousarray(inputs, dtype=np.float32)
        if self.encoder is not None:
            return self.encoder.transform(inputs)
        frame = self.frame(inputs)
        return np.stack([numbers(frame[name]) for name in self.columns], axis=1)


def matrix_layout(rows: Rows, width: int | None, wish: Wish, who: str) -> Layout:
    """Return the layout of a model that takes one matrix of `width` columns (None: any).

    Raises:
        UsageError: No reading of the table has that many columns; the message says what there is.
    """
    if rows.kind == "image":
        raise UsageError(f"{who} takes rows of a table, the data are images {list(rows.inputs.shape[1:])}")
    encoded = encoded_layout(rows)
    d = rows.problem.encoder.n_features
    raw = [] if wish == "encoded" else _numeric_columns(rows)
    fitting = [columns for columns in raw if width is None or len(columns) == width]
    if wish != "raw" and width in (d, None) and not fitting:
        return encoded
    if fitting:
        columns = fitting[0]
        also = "; its encoded matrix is as wide: --inputs encoded takes that" if len(columns) == d else ""
        note = f"{who} is given the {len(columns)} numeric columns as they are{also}" if also else ""
        return Layout("numbers", columns, None, f"[n, {len(columns)}]: raw columns {_shown(columns)}", note)
    offers = [f"{d} encoded features"] if wish != "raw" else []
    offers += [f"{len(columns)} raw numeric columns" for columns in raw]
    has = " or ".join(dict.fromkeys(offers)) or "text columns, which only the encoded matrix turns into numbers"
    raise UsageError(f"{who} takes rows of {width or 'some'} numbers; the data have {has}")


def encoded_layout(rows: Rows) -> Layout:
    """Return the layout of the encoded matrix."""
    d = rows.problem.encoder.n_features
    return Layout("encoded", (), rows.problem.encoder, f"[n, {d}]: the encoded matrix of the data")


def columns_layout(columns: Sequence[str]) -> Layout:
    """Return the layout of raw columns by name."""
    return Layout("columns", tuple(columns), None, f"raw columns {_shown(tuple(columns))}")


def offered_columns(rows: Rows) -> tuple[str, ...]:
    """Return the columns that a model may have been trained on: all but label, weight, split, unit, time, dropped."""
    settings = rows.problem.settings
    out = {settings.get(role) for role in ("weight", "split_column", "unit", "time")}
    out |= set(_list(settings.get("drop")))
    return tuple(str(name) for name in rows.inputs.columns if name not in out)


def find_columns(names: Sequence[str], rows: Rows) -> tuple[str, ...] | None:
    """Return the raw column behind each name, spelling of blanks and signs aside; None where one is missing."""
    columns = [str(name) for name in rows.inputs.columns]
    plain: dict[str, list[str]] = {}
    for column in columns:
        plain.setdefault(_plain(column), []).append(column)
    found = []
    for name in names:
        alike = [name] if name in columns else plain.get(_plain(name), [])
        if len(alike) != 1:
            return None
        found.append(alike[0])
    return tuple(found)


def _numeric_columns(rows: Rows) -> list[tuple[str, ...]]:
    """Return the readings of the table as raw numbers: its inputs, and all columns offered; where all are numbers."""
    import pandas as pd

    readings = [tuple(column.name for column in rows.problem.columns), offered_columns(rows)]
    return [
        columns
        for columns in dict.fromkeys(readings)
        if columns and all(pd.api.types.is_numeric_dtype(rows.inputs[name].dtype) for name in columns)
    ]


def _list(value: object) -> list[str]:
    return [str(name) for name in value] if isinstance(value, list | tuple) else []


def _plain(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name.lower())


def _shown(columns: tuple[str, ...]) -> str:
    return ", ".join(columns[:6]) + (f", … ({len(columns)})" if len(columns) > 6 else "")
