"""The verb `study export`: the table of results as a file, or as runs of MLflow."""

from __future__ import annotations

from pathlib import Path

from efficienttrust.cli._output import print_json
from efficienttrust.cli.study._store import opened


def export(
    study: str, /, *, out: str | None = None, format: str = "parquet", store: str | None = None, json: bool = False
) -> int:
    """Write a row for each trial that has ended; the analysis reads the Parquet file.

    Args:
        study: Study file, or the store itself (a path or a postgresql:// address).
        out: File to write; for mlflow a folder or tracking URI. By default trials.parquet, trials.csv or mlruns in the
            folder that has the name of the study file.
        format: parquet, csv (with trials.json beside it) or mlflow (needs the extra `mlflow`).
        store: The store, where it is not beside the study file.
        json: Print one JSON document on stdout.
    """
    from efficienttrust.study.export import exporters

    write = exporters.get(format)
    with opened(study, store) as one:
        where = write(one, out or str(_default_folder(study) / _DEFAULTS.get(format, f"trials.{format}")))
    if json:
        print_json({"format": format, "where": where})
    else:
        print(where)
    return 0


_DEFAULTS = {"mlflow": "mlruns"}


def _default_folder(study: str) -> Path:
    return Path() if "://" in study else Path(study).with_suffix("")
