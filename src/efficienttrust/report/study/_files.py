"""The files of a report: page, print, and each figure as SVG, PNG and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from efficienttrust.report.study._build import build
from efficienttrust.report.study._cells import csv_columns
from efficienttrust.report.study._content import Table
from efficienttrust.report.study._draw import draw
from efficienttrust.report.study._html import render_page
from efficienttrust.report.study._print import render_pdf
from efficienttrust.report.study._source import Source


@dataclass(frozen=True)
class Report:
    """A report as files.

    Attributes:
        page: `report.html`.
        pdf: `report.pdf`; None where it was not asked for.
        figures: By name of the file in the folder `figures`.
    """

    page: str
    pdf: bytes | None
    figures: Mapping[str, bytes]


def render_study(source: Source, *, pdf: bool = True, progress: Callable[[str], None] = lambda _: None) -> Report:
    """Render the report of a study; the same analysis and table give the same files.

    Args:
        source: The analysis, the table of results, and which examples fail.
        pdf: Also set the print.
        progress: Told what is done next.

    Raises:
        UsageError: A library that draws is missing.
    """
    content = build(source)
    files: dict[str, bytes] = {f"{table.name}.csv": as_csv(table) for table in content.tables()}
    stills: dict[str, bytes] = {}
    for figure in content.figures():
        progress(f"figure {figure.name}")
        drawn = draw(figure, ("svg", "png"))
        stills[figure.name] = drawn["svg"]
        files |= {f"{figure.name}.{form}": found for form, found in drawn.items()}
    progress("page")
    page = render_page(content, stills)
    if pdf:
        progress("pdf")
    return Report(page, render_pdf(content, stills) if pdf else None, files)


def as_csv(table: Table) -> bytes:
    """Return a table as CSV, every number in full; an interval has three columns."""
    heads, columns = [], []
    for place, head in enumerate(table.columns):
        for name, cells in csv_columns(head, [row[place] for row in table.rows]):
            heads.append(name)
            columns.append(cells)
    found = io.StringIO()
    writer = csv.writer(found, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows(zip(*columns, strict=True))
    return found.getvalue().encode()
