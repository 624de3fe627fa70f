"""CSV: the table of results for any other program; the metadata stand beside it."""

from __future__ import annotations

from pathlib import Path

from efficienttrust.study.export._registry import exporters
from efficienttrust.study.export._results import metadata_text, results
from efficienttrust.study.export._writing import replacing
from efficienttrust.study.store import Store


@exporters.register("csv")
def write_csv(store: Store, where: str) -> str:
    """Write the table of results, and its metadata as `NAME.json` beside it, atomically; return the path.

    Figures have the digits that give them back exactly; what cannot be estimated is `NaN`, a missing text is empty.

    Raises:
        UsageError: No trial has ended yet, or a file cannot be written.
    """
    found = results(store)
    with replacing(Path(where).with_suffix(".json")) as partial:
        partial.write_text(metadata_text(found) + "\n", encoding="utf-8")
    with replacing(Path(where)) as partial:
        found.frame.write_csv(partial)
    return where
