"""Files of official releases: found in a folder, opened from a zip or gzip file, every failure one line."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from efficienttrust.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd


def official_file(path: Path, names: Sequence[str]) -> Path:
    """Return a file as it is, and of a folder the first of the official names that it holds."""
    if not path.is_dir():
        return path
    for name in names:
        if (path / name).is_file():
            return path / name
    raise UsageError(f"the folder {path} holds none of {', '.join(names)}. Place one of them there.")


@contextmanager
def opened(path: Path, member: str) -> Iterator[IO[bytes]]:
    """Open a file for reading: plain, gzipped, or the member of a zip archive whose name matches.

    Args:
        path: The file.
        member: Pattern of the member's name without folders, such as `psam_p*.csv`.

    Raises:
        UsageError: The file cannot be opened, or what is done with it inside the block fails to read it.
    """
    import pandas as pd

    try:
        if path.suffix.lower() == ".zip":
            with zipfile.ZipFile(path) as archive, archive.open(_member(archive, path, member)) as file:
                yield file
        elif path.suffix.lower() == ".gz":
            with gzip.open(path, "rb") as file:
                yield cast("IO[bytes]", file)
        else:
            with path.open("rb") as file:
                yield file
    except pd.errors.EmptyDataError as error:
        raise UsageError(f"{path} is empty. Get it again.") from error
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(f"cannot read {path}: {reason.rstrip('.')}. Is it damaged, or another file?") from error


def refuse_missing_columns(table: pd.DataFrame, needed: Sequence[str], path: Path, what: str) -> None:
    """Raise `UsageError` when a table lacks columns that the official file has."""
    missing = [name for name in needed if name not in table.columns]
    if missing:
        shown = ", ".join(missing[:6]) + (", …" if len(missing) > 6 else "")
        raise UsageError(f"{path} is not {what}: it has no column {shown}. Give the official file.")


def decoded(series: pd.Series[Any], names: Mapping[Any, str], path: Path) -> pd.Series[Any]:
    """Return a column of codes by their names; a code that the official file does not have is a `UsageError`."""
    named = series.map(names)
    unknown = named.isna() & series.notna()
    if unknown.any():
        raise UsageError(
            f"{path} has the unknown code {series[unknown].tolist()[0]!r} in column {series.name} "
            f"({int(unknown.sum())} rows); known are {', '.join(map(str, names))}. Give the official file."
        )
    return named


def _member(archive: zipfile.ZipFile, path: Path, pattern: str) -> str:
    for name in archive.namelist():
        if fnmatch(name.rpartition("/")[2], pattern):
            return name
    raise UsageError(f"{path} holds no {pattern}. Give the official archive.")
