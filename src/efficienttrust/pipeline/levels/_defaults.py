"""What a spec leaves out, from the baseline that it names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from efficienttrust.pipeline.levels._baseline import arguments_of, read_document
from efficienttrust.pipeline.levels._fit_at_levels import refuse_both


def with_baseline(merged: Mapping[str, Any], file: Path | None) -> dict[str, Any]:
    """Return what a file and options state, and for what they leave out, the arguments of the baseline.

    Args:
        merged: Values by key of the file, not yet validated.
        file: The file that names the baseline, to whose folder its path is relative; None for an option.

    Raises:
        UsageError: The baseline is no run of `fit`, or something was given that a level sets too.
    """
    from efficienttrust.pipeline.spec import DataSpec, FitSpec

    folder = Path(merged["baseline"]) if file is None else file.parent / merged["baseline"]
    recorded, data, levels = arguments_of(read_document(folder)), merged.get("data", {}), merged.get("levels", ())
    if not isinstance(data, Mapping) or not all(isinstance(text, str) for text in levels):
        return dict(merged)  # a fault that validation tells
    refuse_both(levels, {**data, **merged})
    if {"model", "trainer"} & merged.keys():  # one may name the other: what was given stands alone
        recorded = {name: value for name, value in recorded.items() if name not in ("model", "trainer")}
    whole = {name: value for name, value in recorded.items() if name in FitSpec.model_fields}
    part = {name: value for name, value in recorded.items() if name in DataSpec.model_fields}
    return {**whole, **merged, "data": {**part, **data}, "baseline": str(folder)}
