"""A few texts in a column of numbers: slips of a pen, which must not turn the column into categories in silence."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data._text import text_codes
from efficienttrust.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

MOSTLY = 0.95
"""Share of numbers from which on a column of texts was meant to be numeric."""
TEXTS = ("string", "mixed", "mixed-integer")
MOST_SHOWN = 40
"""Characters of a cell in a message."""
HANDFUL = 10
"""Texts among so many numbers that are slips; also the most values of a column of codes, where a text may be one."""
MARKERS = 3
"""Different texts that may stand for "missing" in a column of measured numbers, however often they occur."""
Place = Callable[[int], str]
"""Row in the source -> how people find it: `line 7 of data.csv`, or `data row 5`."""


def refuse_stray_texts(series: pd.Series[Any], place: Place) -> None:
    """Raise `UsageError` for a column of numbers that is text for the sake of a few cells.

    That is: at least 95 % of its cells are numbers, of more than ten values, and the others are ten cells at most; or
    half are numbers that mostly differ, as measured ones do, and the others are three different texts at most, such as
    markers of missing cells.
    """
    if not is_text(series):
        return
    codes, texts = text_codes(series)
    number = are_numbers(texts)
    counts = np.bincount(codes[codes >= 0], minlength=len(texts))
    good, odd = int(counts[number].sum()), int(counts[~number].sum())
    values = int(np.count_nonzero(number))
    slips = odd <= HANDFUL and good >= MOSTLY * (good + odd)
    marked = len(texts) - values <= MARKERS and good >= odd and 2 * values > good
    if not odd or values <= HANDFUL or not (slips or marked):
        return
    first = int(np.flatnonzero(np.append(~number, False)[codes])[0])  # code -1, a missing cell, finds the last
    name = str(series.name)
    value = texts[codes[first]]
    shown = value if len(value) <= MOST_SHOWN else value[:MOST_SHOWN] + "…"
    found = "1 text" if odd == 1 else f"{odd} texts, the first"
    raise UsageError(
        f"column {name!r} holds {good} numbers and {found} {shown!r} in {place(int(series.index[first]))}. Correct it, "
        f"or leave the cell empty where the value is missing; or leave the column out: --drop {name}"
    )


def is_text(series: pd.Series[Any]) -> bool:
    """Return whether cells are texts that nobody declared to be categories."""
    import pandas as pd

    return series.dtype != "category" and pd.api.types.infer_dtype(series, skipna=True) in TEXTS


def are_numbers(texts: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return which texts read as numbers."""
    import pandas as pd

    return pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce").notna().to_numpy(dtype=bool)


def note_mostly_numbers(
    series: pd.Series[Any], codes: NDArray[np.int32], texts: tuple[str, ...], place: Place | None, notes: list[str]
) -> None:
    """Add a note where numbers are read as categories: `codes` and `texts` are those of the column."""
    name = str(series.name)
    if len(texts) <= HANDFUL:
        return
    odd = np.flatnonzero(~are_numbers(texts))
    if len(odd) * 10 > len(texts):
        return
    if not len(odd):
        notes.append(f"column {name!r} holds numbers stored as text and is read as categories; convert it to numbers")
        return
    row = int(series.index[np.flatnonzero(codes == odd[0])[0]])
    example = "" if place is None else f", e.g. {texts[odd[0]]!r} in {place(row)}"
    notes.append(
        f"column {name!r} is read as categories because {len(odd)} of its {len(texts)} different values are not "
        f"numbers{example}"
    )
