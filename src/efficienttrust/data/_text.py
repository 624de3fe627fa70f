"""How a cell becomes the text of a category: one rule, at training and at prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

MISSING_TEXTS = frozenset({"", "?"})
"""Texts (blanks stripped) that mean "no value"."""


def as_text(series: pd.Series[Any]) -> NDArray[np.object_]:
    """Return the category text of every cell: a `str`, or `None` where the cell is missing.

    Blanks around a text are stripped, whole numbers lose their `.0`, booleans become `True` and `False`; empty text,
    `?`, `None` and NaN are missing.

    Args:
        series: Any column.

    Example:
        >>> import pandas as pd
        >>> as_text(pd.Series([1.0, 2.5, None])).tolist()
        ['1', '2.5', None]
    """
    codes, texts = text_codes(series)
    return np.array([*texts, None], dtype=object)[codes]


def text_codes(series: pd.Series[Any]) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Return the cells as codes into the sorted distinct texts, -1 where missing; the compact form of `as_text`."""
    codes, values = _factorize(series)
    texts = [cell_text(value) for value in values]
    known = sorted({text for text in texts if text is not None})
    position = {text: code for code, text in enumerate(known)}
    lookup = np.array([-1 if text is None else position[text] for text in texts] + [-1], dtype=np.int32)
    return lookup[codes], tuple(known)


def _factorize(series: pd.Series[Any]) -> tuple[NDArray[np.intp], list[Any]]:
    import pandas as pd

    if isinstance(series.dtype, pd.CategoricalDtype):
        return np.asarray(series.cat.codes, dtype=np.intp), list(series.cat.categories)
    try:
        if series.dtype == object and pd.api.types.infer_dtype(series, skipna=True).startswith("mixed"):
            # 1, 1.0 and True are equal keys to pandas but different texts, so they are told apart before.
            series = pd.Series([cell_text(value) for value in series], dtype=object)
        codes, values = pd.factorize(series)
    except TypeError as error:
        raise UsageError(
            f"column {str(series.name)!r} holds lists or other containers, not single values. Drop or flatten it."
        ) from error
    return codes, list(values)


def cell_text(value: Any) -> str | None:
    """Return the category text of one value, `None` when missing."""
    if isinstance(value, str):
        text = value.strip()
        return None if text in MISSING_TEXTS else text
    if value is None:
        return None
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, float | np.floating):
        number = float(value)
        if number != number:
            return None
        return str(int(number)) if number.is_integer() else repr(number)
    if isinstance(value, list | dict | set | np.ndarray):
        raise TypeError("not a single value")
    text = str(value).strip()
    return None if text in {"NaT", "<NA>", "NaN"} else text
