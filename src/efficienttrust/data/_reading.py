"""Reading tables: CSV, gzipped CSV, Parquet, pandas and polars frames; every failure is one line with a remedy."""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from efficienttrust.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".csv", ".csv.gz", ".parquet")
SEPARATORS = ",;\t|"
MISSING_IN_FILES = ["?"]


def read_table(source: object) -> pd.DataFrame:
    """Read a table with text column names, all different, and rows numbered from 0.

    Args:
        source: Path of a `.csv`, `.csv.gz` or `.parquet` file, or a pandas or polars frame. CSV is UTF-8 with a header
            line, separated by comma, semicolon, tab or bar; empty cells, `?` and the usual words (`NA`, `NaN`, `null`)
            are missing.

    Raises:
        UsageError: The file is missing, empty, ragged or unreadable, or two columns share a name.
    """
    import pandas as pd

    if isinstance(source, str | Path):
        path = Path(source)
        table = _read_file(path)
        where = str(path)
    elif isinstance(source, pd.DataFrame):
        table, where = source.copy(deep=False), "the frame"
    elif type(source).__module__.split(".")[0] == "polars":
        table, where = _from_polars(source), "the frame"
    else:
        raise UsageError(
            f"cannot read a table from {type(source).__name__}. "
            "Give a path, a bundled name, a pandas or a polars frame."
        )
    table.columns = pd.Index([str(name) for name in table.columns], dtype=object)
    _refuse_duplicates(list(table.columns), where)
    if not len(table):
        raise UsageError(f"{where} has a header but no rows. Give a table with data.")
    return table.reset_index(drop=True)


def place_of(where: str, row: int) -> str:
    """Return how people find a row of a table: `line 7 of data.csv`, or `data row 5` where lines cannot be counted.

    Args:
        where: The file, or what else names the source.
        row: Number of the row, from 0.
    """
    path = Path(where)
    if where.lower().endswith((".csv", ".csv.gz")) and path.is_file():
        with suppress(OSError, ValueError, csv.Error, UsageError):
            return f"line {csv_line(path, row)} of {where}"
    return f"data row {row}"


def csv_line(path: Path, row: int) -> int:
    """Return the line (from 1) on which a data row (from 0) of a CSV begins; blank lines hold no rows."""
    separator = _header(path)[1]
    before, rows = 0, -2
    with _open_text(path) as lines:
        reader = csv.reader(lines, delimiter=separator, skipinitialspace=True)
        for fields in reader:
            rows += len(fields) > 1 or any(field.strip() for field in fields)
            if rows == row:
                return before + 1
            before = reader.line_num
    raise UsageError(f"{path} has no data row {row}. Was it changed meanwhile?")


def _read_file(path: Path) -> pd.DataFrame:
    if path.is_dir():
        raise UsageError(f"{path} is a folder. Give a {', '.join(SUFFIXES)} file.")
    if not path.exists():
        folder = path.parent
        siblings = [p.name for p in folder.iterdir() if p.name.endswith(SUFFIXES)] if folder.is_dir() else []
        raise UsageError(f"there is no file {path}.{did_you_mean(path.name, siblings)}")
    name = path.name.lower()
    if not name.endswith(SUFFIXES):
        raise UsageError(f"cannot read {path}: only {', '.join(SUFFIXES)} files. Convert it first.")
    if path.stat().st_size == 0:
        raise UsageError(f"{path} is empty. Give a table with data.")
    with _one_line_errors(path):
        return _read_parquet(path) if name.endswith(".parquet") else _read_csv(path)


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow.parquet

    return pyarrow.parquet.ParquetFile(path).read().to_pandas(ignore_metadata=True)  # type: ignore[no-any-return]


def _read_csv(path: Path) -> pd.DataFrame:
    import pandas as pd

    header, separator = _header(path)
    _refuse_duplicates(header, str(path))
    table = pd.read_csv(
        path,
        sep=separator,
        encoding="utf-8-sig",
        low_memory=False,
        na_values=MISSING_IN_FILES,
        skipinitialspace=True,
        compression="gzip" if path.name.lower().endswith(".gz") else None,
    )
    if not isinstance(table.index, pd.RangeIndex):  # pandas takes surplus fields on every line for row names
        raise UsageError(
            f"cannot read {path}: line 2 has more fields than the header ({len(header)}). Correct the header."
        )
    table.columns = pd.Index(header, dtype=object)
    if len(table) and table.iloc[:, -1].isna().any():  # pandas fills short lines up in silence
        _refuse_short_lines(path, separator)
    return table


def _header(path: Path) -> tuple[list[str], str]:
    with _open_text(path) as lines:
        first = next((line for line in lines if line.strip()), "")
        if not first:
            raise UsageError(f"{path} is empty. Give a table with data.")
    counts = {separator: first.count(separator) for separator in SEPARATORS}
    separator = max(SEPARATORS, key=lambda candidate: counts[candidate])
    with _open_text(path) as lines:
        names = next(row for row in csv.reader(lines, delimiter=separator, skipinitialspace=True) if any(row))
    return [name.strip() or f"Unnamed: {position}" for position, name in enumerate(names)], separator


def _open_text(path: Path) -> Any:
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _refuse_short_lines(path: Path, separator: str) -> None:
    import pyarrow.csv

    bad: list[Any] = []

    def remember(row: Any) -> str:
        bad.append(row)
        return "skip"

    pyarrow.csv.read_csv(
        path,
        read_options=pyarrow.csv.ReadOptions(use_threads=False),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=separator, newlines_in_values=True, invalid_row_handler=remember
        ),
        convert_options=pyarrow.csv.ConvertOptions(include_columns=[]),
    )
    if bad:
        raise UsageError(_ragged(path, bad[0].number, bad[0].actual_columns, bad[0].expected_columns))


def _ragged(path: Path, line: int, fields: int, expected: int) -> str:
    return f"cannot read {path}: line {line} has {fields} fields, the header has {expected}. Correct the line."


@contextmanager
def _one_line_errors(path: Path) -> Iterator[None]:
    import pandas as pd

    try:
        yield
    except UnicodeDecodeError as error:
        raise UsageError(f"cannot read {path}: it is not UTF-8 text (byte {error.start}). Save it as UTF-8.") from error
    except pd.errors.EmptyDataError as error:
        raise UsageError(f"{path} is empty. Give a table with data.") from error
    except pd.errors.ParserError as error:
        found = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
        if found:
            raise UsageError(_ragged(path, int(found[2]), int(found[3]), int(found[1]))) from error
        reason = str(error).splitlines()[0].removeprefix("Error tokenizing data. C error: ")
        raise UsageError(f"cannot read {path}: {reason}. Correct the file.") from error
    except (OSError, EOFError, zlib.error, ValueError, csv.Error) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(f"cannot read {path}: {reason.rstrip('.')}. Is it damaged, or of another format?") from error


def _from_polars(frame: Any) -> pd.DataFrame:
    eager = frame.collect() if hasattr(frame, "collect") else frame
    if not hasattr(eager, "to_pandas") or not hasattr(eager, "columns"):
        raise UsageError(f"cannot read a table from polars {type(frame).__name__}. Give a DataFrame.")
    return eager.to_pandas()  # type: ignore[no-any-return]


def _refuse_duplicates(names: list[str], where: str) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise UsageError(f"{where} has more than one column {repeated[0]!r}. Rename or remove the duplicates.")
