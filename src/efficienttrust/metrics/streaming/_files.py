"""Files of predictions, read in chunks: a run's `predictions.parquet`, or any Parquet or CSV file of that kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from efficienttrust.errors import UsageError, unknown_name
from efficienttrust.metrics.streaming._accumulator import Chunk
from efficienttrust.metrics.streaming._schema import Schema

ROWS = 1 << 18
"""Rows of a Parquet file that are read at a time."""
LABEL, PREDICTION, SCORE, WEIGHT = "label", "prediction", "score", "weight"
"""Columns as a run writes them."""


def read_predictions(path: str | Path, schema: Schema) -> Iterator[Chunk]:
    """Yield the rows of a file as chunks for `Accumulator.update_from`; memory does not grow with the file.

    Args:
        path: A `.parquet` or `.csv` file with the columns `label`, `prediction`, one per attribute of the schema with
            the names of groups (an empty cell is an unknown group), and `score` and `weight` where the schema has them.
        schema: That of the accumulator; one label and one decision a row (`binary`, `multiclass`, `regression`).

    Raises:
        UsageError: The file or a column is missing, or a group is not one of the schema's.
    """
    if schema.task == "multilabel" or (schema.task == "multiclass" and schema.bins):
        raise UsageError(
            f"a file of predictions has one label and one score a row: pass {schema.task} rows to update()"
        )
    names = {"y": LABEL, "prediction": PREDICTION}
    names |= {"score": SCORE} if schema.bins else {}
    names |= {"weight": WEIGHT} if schema.weighted else {}
    for batch in _batches(path, [*names.values(), *schema.attributes]):
        groups = {name: _codes(batch.column(name), name, groups) for name, groups in schema.attributes.items()}
        columns = {argument: _numbers(batch.column(name)) for argument, name in names.items()}
        yield Chunk(groups=groups, **columns)  # type: ignore[typeddict-item]


def read_groups(path: str | Path, attributes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the groups that occur in a file, by attribute, in alphabetical order: the `attributes` of an accumulator.

    Raises:
        UsageError: The file or a column is missing.
    """
    found: dict[str, set[str]] = {name: set() for name in attributes}
    for batch in _batches(path, attributes):
        for name, groups in found.items():
            groups.update(value for value in _texts(batch.column(name)).unique().to_pylist() if value is not None)
    return {name: tuple(sorted(groups)) for name, groups in found.items()}


def _batches(path: str | Path, columns: Sequence[str]) -> Iterator[Any]:
    path, wanted = Path(path), list(dict.fromkeys(columns))
    if not path.is_file():
        raise UsageError(f"{path} is no file: give the predictions of a run, <run>/predictions.parquet")
    if path.suffix == ".parquet":
        yield from _parquet(path, wanted)
    elif path.suffix == ".csv":
        yield from _csv(path, wanted)
    else:
        raise UsageError(f"{path} must end in .parquet or .csv")


def _parquet(path: Path, wanted: list[str]) -> Iterator[Any]:
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            _require(wanted, file.schema_arrow.names, path)
            yield from file.iter_batches(ROWS, columns=wanted)
    except pyarrow.ArrowInvalid as error:
        raise UsageError(f"{path} cannot be read as Parquet: {str(error).splitlines()[0]}") from None


def _csv(path: Path, wanted: list[str]) -> Iterator[Any]:
    import pyarrow
    from pyarrow import csv

    as_text = {name: pyarrow.string() for name in wanted if name not in (LABEL, PREDICTION, SCORE, WEIGHT)}
    # An empty cell alone is unknown: `None` and `NA` may be groups.
    convert = csv.ConvertOptions(column_types=as_text, null_values=[""], strings_can_be_null=True)
    try:
        with csv.open_csv(path, convert_options=convert) as reader:
            _require(wanted, reader.schema.names, path)
            for batch in reader:
                yield batch.select(wanted)
    except pyarrow.ArrowInvalid as error:
        raise UsageError(f"{path} cannot be read as CSV: {str(error).splitlines()[0]}") from None


def _require(wanted: list[str], there: list[str], path: Path) -> None:
    for name in wanted:
        if name not in there:
            raise unknown_name(f"column of {path}", name, there)


def _numbers(column: Any) -> Any:
    """Return a column as numpy; empty cells become NaN, which only scores may be."""
    return column.to_numpy(zero_copy_only=False)


def _codes(column: Any, attribute: str, groups: tuple[str, ...]) -> Any:
    import pyarrow
    from pyarrow import compute

    texts = _texts(column)
    codes = compute.index_in(texts, value_set=pyarrow.array(groups, pyarrow.string()))
    unseen = compute.and_(compute.is_null(codes), compute.is_valid(texts))
    if compute.any(unseen).as_py():
        raise unknown_name(f"group of {attribute!r}", texts.filter(unseen)[0].as_py(), groups)
    return np.asarray(compute.fill_null(codes, -1).to_numpy(zero_copy_only=False))


def _texts(column: Any) -> Any:
    import pyarrow

    return column.cast(pyarrow.string())
