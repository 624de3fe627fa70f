"""The environment of every row, from the column that names it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data._text import cell_text, text_codes
from efficienttrust.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

MOST_ENVIRONMENTS = 100


@dataclass(frozen=True, eq=False)
class Environments:
    """The environments of n rows.

    Attributes:
        column: The column that names them.
        names: Their names, in alphabetical or numerical order.
        codes: int64 [n], position in `names`, -1 where the cell is missing.
    """

    column: str
    names: tuple[str, ...]
    codes: NDArray[np.int64]

    def chosen(self, values: object) -> NDArray[np.bool_]:
        """Return which names are among the values given (one or several); an unknown one raises `UsageError`."""
        asked = [text for text in map(cell_text, listed(values)) if text is not None]
        for text in asked:
            if text not in self.names:
                raise UsageError(f"column {self.column!r} has no value {text!r}.{did_you_mean(text, self.names)}")
        return np.isin(self.names, asked)


def environments_of(frame: pd.DataFrame, column: str) -> Environments:
    """Read the environment of every row.

    Args:
        frame: Any table.
        column: The column that names the environment; texts, or numbers such as years.

    Raises:
        UsageError: There is no such column, it has no values, or more than 100 different ones.
    """
    series = column_of(frame, column)
    codes, texts = text_codes(series)
    if not texts:
        raise UsageError(f"environment column {column!r} has no values in {len(frame)} rows. Choose another column.")
    if len(texts) > MOST_ENVIRONMENTS:
        raise UsageError(
            f"environment column {column!r} has {len(texts)} different values, more than {MOST_ENVIRONMENTS}. "
            "Pool them into bands or regions first."
        )
    order = np.arange(len(texts))
    if _are_numbers(texts):
        order = np.argsort([float(text) for text in texts], kind="stable")
    position = np.full(len(texts) + 1, -1, dtype=np.int64)
    position[order] = np.arange(len(texts))
    return Environments(column, tuple(texts[code] for code in order), position[codes])


def column_of(frame: pd.DataFrame, column: str) -> pd.Series[Any]:
    """Return a column; `UsageError` with a did-you-mean where there is none."""
    names = [str(name) for name in frame.columns]
    if column not in names:
        raise UsageError(f"the table has no column {column!r}.{did_you_mean(column, names)}")
    return frame.iloc[:, names.index(column)]


def listed(values: object) -> Sequence[object]:
    """Return several values as they are, and a single one as a sequence."""
    if isinstance(values, list | tuple | set | frozenset | np.ndarray):
        return list(values)
    return [values]


def _are_numbers(texts: tuple[str, ...]) -> bool:
    try:
        return all(np.isfinite(float(text)) for text in texts)
    except ValueError:
        return False
