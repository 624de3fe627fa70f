"""Parquet: the table that the analysis reads."""

from __future__ import annotations

from pathlib import Path

from efficienttrust.study._columns import METADATA_KEY
from efficienttrust.study.export._registry import exporters
from efficienttrust.study.export._results import metadata_text, results
from efficienttrust.study.export._writing import replacing
from efficienttrust.study.store import Store


@exporters.register("parquet")
def write_parquet(store: Store, where: str) -> str:
    """Write the table of results with the design in its metadata, atomically; return the path.

    Raises:
        UsageError: No trial has ended yet, or the file cannot be written.
    """
    import pyarrow.parquet as pq

    found = results(store)
    table = found.frame.to_arrow().replace_schema_metadata({METADATA_KEY: metadata_text(found).encode()})
    with replacing(Path(where)) as partial:
        pq.write_table(table, partial, compression="zstd")
    return where
