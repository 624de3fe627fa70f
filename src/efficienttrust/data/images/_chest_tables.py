"""The tables that come with chest films: read by column, joined by key, with one line about anything that is wrong."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from efficienttrust.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

DAMAGE = (OSError, EOFError, ValueError, zlib.error, gzip.BadGzipFile)


def official(folder: Path, name: str, release: str) -> Path:
    """Return the path of an official file, gzipped or not.

    Args:
        folder: Where it should be.
        name: Its name without `.gz`.
        release: What the file belongs to, for the message.

    Raises:
        UsageError: It is not there; the message says what belongs where.
    """
    for candidate in (folder / f"{name}.gz", folder / name):
        if candidate.is_file():
            return candidate
    raise UsageError(
        f"the file {name} of {release} is missing: it should be at {folder / name} (or gzipped, {name}.gz)"
    )


def read_columns(path: Path, columns: Sequence[str], release: str) -> pd.DataFrame:
    """Return some columns of a CSV as texts, blanks stripped; an empty cell is an empty text.

    Raises:
        UsageError: The file is damaged or lacks a column, as files of another release do.
    """
    import pandas as pd

    try:
        header = pd.read_csv(path, nrows=0, index_col=False).columns
        lacking = [name for name in columns if name not in header]
        if lacking:
            raise UsageError(
                f"{path} has no column {lacking[0]!r}: it is not of {release}, whose file has {', '.join(columns)}"
            )
        # index_col: a comma at the end of every row must not turn the first column into row names
        table = pd.read_csv(path, usecols=list(columns), index_col=False, dtype=str, keep_default_na=False)
    except DAMAGE as error:
        raise UsageError(f"{path} is damaged or no CSV: {' '.join(str(error).split())[:160]}") from error
    return stripped(table[list(columns)])


def stripped(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of texts without the blanks around them."""
    return table.assign(**{name: table[name].str.strip() for name in table.columns})


def joined(keys: pd.Series[Any], table: pd.DataFrame, key: str, column: str, path: Path) -> pd.Series[Any]:
    """Return a column of a table for every key, missing where the table lacks the key.

    Args:
        keys: Keys, [n].
        table: A table with one row a key.
        key: Its column of keys.
        column: The column wanted.
        path: Where the table lies, for the message.

    Raises:
        UsageError: A key has two rows with different values, so that no join is right.
    """
    pairs = table[[key, column]].drop_duplicates()
    twice = pairs.loc[pairs[key].duplicated(), key]
    if len(twice):
        raise UsageError(
            f"{path} holds {twice.nunique()} values of {key} twice, with different {column}: copy or download it again"
        )
    return keys.map(pairs.set_index(key)[column])


def as_numbers(texts: pd.Series[Any], path: Path) -> pd.Series[Any]:
    """Return texts as float64, NaN where empty; raises `UsageError` for a text that is no number."""
    import pandas as pd

    numbers = pd.to_numeric(texts, errors="coerce").astype("float64")
    odd = texts[numbers.isna() & texts.notna() & (texts != "")]
    if len(odd):
        raise UsageError(f"{path} holds a value of {texts.name} that is no number ({len(odd)} rows)")
    return numbers
