"""The files of a MIMIC-IV release: where they stand, what they must hold, and how they are read in little memory."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from efficienttrust.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    import polars as pl

PATIENTS, ADMISSIONS, LAB_EVENTS = "hosp/patients", "hosp/admissions", "hosp/labevents"
ICU_STAYS, CHART_EVENTS = "icu/icustays", "icu/chartevents"
TIME = "%Y-%m-%d %H:%M:%S"
BATCH = 200_000
"""Rows that are handed on at a time."""
SMALL = 10
"""Counts of patients below this are not shown."""


def find_release(folder: Path, needed: Sequence[str]) -> dict[str, Path]:
    """Return the path of every needed file of a release of MIMIC-IV 2.0 or later.

    Args:
        folder: The folder that holds `hosp/` and `icu/`.
        needed: Official names without suffix, such as `hosp/patients`; the file is `NAME.csv.gz` or `NAME.csv`.

    Raises:
        UsageError: It is no folder, another data set or an older release, or a file is missing.
    """
    if not folder.is_dir():
        raise UsageError(
            f"there is no folder {folder}. Give the folder of a MIMIC-IV release, with hosp/ and icu/ in it."
        )
    inside = {path.name.lower().removesuffix(".gz") for path in folder.iterdir()}
    if "core" in inside:
        raise UsageError(
            f"{folder} has a folder core/, as MIMIC-IV before 2.0 does. Get release 2.0 or later, "
            "where patients and admissions are in hosp/."
        )
    if {"icustays.csv", "patients.csv"} <= inside:
        raise UsageError(
            f"{folder} is laid out as MIMIC-III (patients and icustays side by side). "
            "Give a release of MIMIC-IV, 2.0 or later, with hosp/ and icu/."
        )
    found, missing = {}, []
    for name in needed:
        candidates = [folder / f"{name}{suffix}" for suffix in (".csv.gz", ".csv")]
        if path := next((path for path in candidates if path.is_file()), None):
            found[name] = path
        else:
            missing.append(str(candidates[0]))
    if missing:
        inner = next(folder.glob("*/hosp"), None)
        put = f"Give {inner.parent}" if inner else f"Put the official file{'s' if len(missing) > 1 else ''} there"
        raise UsageError(f"the MIMIC-IV release lacks {', '.join(missing)}. {put}.")
    return found


def scan(path: Path, types: Mapping[str, Any]) -> pl.LazyFrame:
    """Return the columns named by `types` of a CSV file, of any length, without reading it yet.

    Raises:
        UsageError: The file is empty or damaged, or lacks a column.
    """
    import polars as pl

    with complaints_of(path):
        columns = _header(path)
        for column in types:
            if column not in columns:
                raise UsageError(_lost(path, column, columns))
        return pl.scan_csv(path, glob=False, infer_schema=False, schema_overrides=types).select(list(types))


def collect(
    path: Path, *, numbers: Sequence[str] = (), times: Sequence[str] = (), texts: Sequence[str] = ()
) -> pl.DataFrame:
    """Read columns of a small table whole: integers, times and text; empty cells are missing."""
    import polars as pl

    types = dict.fromkeys(numbers, pl.Int64) | dict.fromkeys([*times, *texts], pl.String)
    table = scan(path, types).with_columns(pl.col(column).str.to_datetime(TIME) for column in times)
    with complaints_of(path):
        return table.collect(engine="streaming")


def stream(path: Path, table: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """Yield the rows of a scanned table in batches; complaints name the file."""
    with complaints_of(path):
        yield from table.collect_batches(chunk_size=BATCH)


@contextmanager
def complaints_of(path: Path) -> Iterator[None]:
    """Turn what goes wrong while a file is read into one line that names the file and shows none of its cells."""
    import polars as pl

    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error, UnicodeDecodeError):
        problem = "is damaged or was cut short"
    except OSError as error:
        problem = f"cannot be read ({error.strerror})" if error.strerror else "is damaged or was cut short"
    except pl.exceptions.PolarsError:
        problem = f"is damaged, or a number or a time ({TIME.replace('%', '')}) in it is none"
    else:
        return
    # the cause is left out: it may quote cells
    raise UsageError(f"{path} {problem}. Get the file again and compare its checksum with that of the release.")


def shown(count: int) -> str:
    """Return a count of patients, stays or events as it may be shown: small ones are suppressed."""
    return f"<{SMALL}" if 0 < count < SMALL else f"{count:,}"


def _header(path: Path) -> list[str]:
    opener: Callable[..., IO[str]] = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig") as lines:
        return next(csv.reader(lines), [])


def _lost(path: Path, column: str, columns: Sequence[str]) -> str:
    if not columns:
        return f"{path} is empty. Get the file again."
    if column == "race" and "ethnicity" in columns:
        return f"{path} calls race 'ethnicity', as MIMIC-IV before 2.0 does. Get release 2.0 or later."
    return f"{path} has no column {column!r}.{did_you_mean(column, columns)} Use the file as released."
