"""Export, analysis and report of a study, in that order."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from efficienttrust.errors import UsageError
from efficienttrust.study.export._writing import replacing

if TYPE_CHECKING:
    from efficienttrust.study.analysis import Analysis
    from efficienttrust.study.store import Store

TABLE, ANALYSIS, PAGE, PDF, FIGURES = "trials.parquet", "analysis.json", "report.html", "report.pdf", "figures"
_STORES = (".yaml", ".yml", ".db", ".sqlite", ".sqlite3")


@dataclass(frozen=True)
class MadeReport:
    """Where a report is.

    Attributes:
        page: `report.html`.
        pdf: `report.pdf`; None where it was not asked for.
        figures: Folder with each figure as SVG and PNG and each table as CSV.
        analysed: Whether the analysis was made anew: there was none, or it was of another table.
    """

    page: Path
    pdf: Path | None
    figures: Path
    analysed: bool


def folder_of(study: str | Path) -> Path:
    """Return the folder of the outputs of a study: that has its name, beside the study file; a folder is its own."""
    if "://" in str(study):
        return Path()
    path = Path(study)
    return path.with_suffix("") if path.suffix in _STORES else path.parent if path.suffix == ".parquet" else path


def make_report(
    study: str | Path,
    *,
    store: str | Path | None = None,
    out: Path | None = None,
    pdf: bool = True,
    progress: Callable[[str], None] = lambda _: None,
) -> MadeReport:
    """Make the report of a study, and before it what is missing or stale.

    Args:
        study: A study file, its store, its folder with `trials.parquet`, or that table.
        store: The store, where it is not beside the study file.
        out: Folder to write to; by default the one of the study.
        pdf: Also make `report.pdf`; without, an older one is removed, as it would be of other results.
        progress: Told what is done next.

    Raises:
        UsageError: There are no results, or a file cannot be written.
    """
    folder = out or folder_of(study)
    examples: Mapping[str, Any] | None = None
    table = _table_of(study)
    if store is not None or table is None:
        progress("export")
        table = folder / TABLE
        examples = _exported(study, store, table)
    analysis, analysed = _analysis_of(table, folder, progress)
    return _reported(analysis, table, examples, folder, analysed=analysed, pdf=pdf, progress=progress)


def _table_of(study: str | Path) -> Path | None:
    """Return the table of results where the study is given as a folder or as that table."""
    if "://" in str(study):
        return None
    path = Path(study)
    if path.suffix == ".parquet":
        return path
    if not path.is_dir():
        return None
    if not (path / TABLE).is_file():
        raise UsageError(f"{path} has no {TABLE}: give the study file, or run `efficienttrust study export` first")
    return path / TABLE


def _exported(study: str | Path, store: str | Path | None, table: Path) -> Mapping[str, Any]:
    from efficienttrust.study.export import write_parquet
    from efficienttrust.study.reporting._examples import examples_of
    from efficienttrust.study.store import open_store, store_address

    with open_store(store_address(study, store), read_only=True) as one:
        write_parquet(one, str(table))
        return examples_of(_trials(one))


def _trials(store: Store) -> Callable[[], Any]:
    return lambda: store.trials("done")


def _analysis_of(table: Path, folder: Path, progress: Callable[[str], None]) -> tuple[Analysis, bool]:
    """Return the analysis of a table, the one that is there if it is of this very table."""
    from efficienttrust.study.analysis import analyse_table, read_analysis, write_analysis
    from efficienttrust.study.analysis._table import read_table

    read, where = read_table(table), folder / ANALYSIS
    with suppress(UsageError):  # none, one of another version, or no analysis: a new one is made
        found = read_analysis(where)
        if found.table == read.digest:
            return found, False
    progress("analysis")
    found = analyse_table(read)
    try:
        write_analysis(found, where)
    except OSError as error:
        raise UsageError(f"cannot write {where}: {error.strerror or error}") from error
    return found, True


def _reported(
    analysis: Analysis, table: Path, examples: Mapping[str, Any] | None, folder: Path, *, analysed: bool, pdf: bool,
    progress: Callable[[str], None],
) -> MadeReport:  # fmt: skip
    import polars as pl

    from efficienttrust.report.study import Source, render_study

    source = Source(analysis.as_plain(), pl.read_parquet(table), examples)
    report = render_study(source, pdf=pdf, progress=progress)
    _write_folder(folder / FIGURES, report.figures)
    if report.pdf is None:
        (folder / PDF).unlink(missing_ok=True)
    else:
        with replacing(folder / PDF) as partial:
            partial.write_bytes(report.pdf)
    with replacing(folder / PAGE) as partial:
        partial.write_text(report.page, encoding="utf-8")
    return MadeReport(folder / PAGE, folder / PDF if pdf else None, folder / FIGURES, analysed)


def _write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder of files that takes the place of an older one when it is whole."""
    partial = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
    old = folder.with_name(f"{folder.name}.{os.getpid()}.old")
    try:
        partial.mkdir(parents=True)
        for name, content in files.items():
            (partial / name).write_bytes(content)
        if folder.exists():
            os.replace(folder, old)
        os.replace(partial, folder)
    except OSError as error:
        if old.exists() and not folder.exists():
            os.replace(old, folder)
        raise UsageError(f"cannot write {folder}: {error.strerror or error}") from error
    finally:
        for one in (partial, old):
            shutil.rmtree(one, ignore_errors=True)
