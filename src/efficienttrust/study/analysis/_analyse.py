"""From a table of results to an analysis."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from efficienttrust.errors import UsageError
from efficienttrust.study.analysis._document import ANALYSIS_VERSION, Analysis
from efficienttrust.study.analysis._options import Options
from efficienttrust.study.analysis._sections import Material, sections
from efficienttrust.study.analysis._table import Table, read_table

DEFAULT = Options()


def analyse(path: str | os.PathLike[str], *, options: Options = DEFAULT) -> Analysis:
    """Analyse a table of results; the same table and options give the same document, whatever the order of rows.

    Args:
        path: The table, as `efficienttrust study export` writes it.
        options: Choices of the analysis; none of them looks at results.

    Raises:
        UsageError: The file is no table of a study, or an option names a column that it does not have.
    """
    return analyse_table(read_table(Path(path)), options=options)


def analyse_table(table: Table, *, options: Options = DEFAULT) -> Analysis:
    """Analyse a table of results that was read already."""
    if not 0.5 < options.level < 1:
        raise UsageError(f"level is {options.level}: give a confidence level between 0.5 and 1, as 0.95")
    if options.resamples < 100:
        raise UsageError(f"resamples is {options.resamples}: give at least 100 bootstrap replicates")
    material = Material(table, options)
    found: dict[str, Any] = {name: sections.get(name)(material) for name in sections.names()}
    return Analysis(version=ANALYSIS_VERSION, design=table.design, options=options, table=table.digest, **found)


def write_analysis(analysis: Analysis, path: Path) -> None:
    """Write `analysis.json`; the file is whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(path.name + ".part")
    half.write_text(json.dumps(analysis.as_plain(), ensure_ascii=False, allow_nan=False), encoding="utf-8")
    half.replace(path)


def read_analysis(path: Path) -> Analysis:
    """Read `analysis.json`.

    Raises:
        UsageError: It is no analysis, or one of another version.
    """
    if not path.is_file():
        raise UsageError(f"{path} is no file: run `efficienttrust study analyse` first")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        version = values["version"]
    except (ValueError, KeyError, TypeError):
        raise UsageError(f"{path} is no analysis: run `efficienttrust study analyse` again") from None
    if version != ANALYSIS_VERSION:
        raise UsageError(
            f"{path} has version {version} and this program reads {ANALYSIS_VERSION}: "
            "run `efficienttrust study analyse` again"
        )
    return Analysis.from_plain(values)
