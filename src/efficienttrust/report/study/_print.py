"""The report in print: PDF/UA through typst, the same content as the page."""

from __future__ import annotations

import dataclasses
import json
import re
import tempfile
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from efficienttrust.errors import UsageError
from efficienttrust.report.study._cells import cell_text
from efficienttrust.report.study._content import Block, Content, Figure, Folded, Table
from efficienttrust.report.study._draw import WIDTH

MOST_ROWS = 40
"""Rows of a table in print; the CSV file has all."""
BESIDE_A_FIGURE = 12
"""The same where a figure shows them already."""
MOST_COLUMNS = 8
_JOINTS = re.compile(r"([_(,/&=:;-]|\.(?!\d))(?=\S)")
_RUN = 24  # characters without a joint, after which a line may break anywhere
_LONG = re.compile(rf"\S{{{_RUN}}}(?=\S)")


def render_pdf(content: Content, stills: Mapping[str, bytes]) -> bytes:
    """Render the report as PDF/UA-1.

    Args:
        content: What it says.
        stills: SVG of each figure by name.

    Raises:
        UsageError: typst is missing, or cannot set the text.
    """
    try:
        import typst
    except ImportError as error:
        raise UsageError("typst sets the PDF: install it with pip install typst, or use --no-pdf") from error
    import matplotlib

    template = resources.files("efficienttrust.report").joinpath("templates", "study.typ").read_text("utf-8")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for figure, svg in stills.items():
            (folder / f"{figure}.svg").write_bytes(svg)
        (folder / "content.json").write_text(json.dumps(_plain(content, stills), ensure_ascii=False), encoding="utf-8")
        (folder / "main.typ").write_text(template, encoding="utf-8")
        try:
            pdf: bytes = typst.compile(
                str(folder / "main.typ"), root=str(folder), format="pdf", pdf_standards=["ua-1"],
                font_paths=[str(Path(matplotlib.get_data_path()) / "fonts" / "ttf")], ignore_system_fonts=True,
                timestamp=0,
            )  # fmt: skip
        except typst.TypstError as error:
            raise UsageError(f"typst cannot set report.pdf: {error}") from error
    return pdf


def _plain(content: Content, stills: Mapping[str, bytes]) -> dict[str, Any]:
    return {
        "name": content.name,
        "title": content.title,
        "lede": content.lede,
        "parts": [
            {"title": part.title, "tag": part.tag, "blocks": [_block(block, stills) for block in part.blocks]}
            for part in content.parts
        ],
        "footer": content.footer,
    }


def _block(block: Block, stills: Mapping[str, bytes]) -> dict[str, Any]:
    if isinstance(block, Table | Folded):
        return {"kind": "Table", "table": _table(block.table if isinstance(block, Folded) else block)}
    if isinstance(block, Figure):
        width = re.search(rb'width="([\d.]+)pt"', stills[block.name][:2000])
        share = min(1.0, float(width[1]) / 72 / WIDTH) if width else 1.0
        return {"kind": "Figure", "name": block.name, "title": block.title, "finding": block.finding,
                "note": block.note, "table": _table(block.table, BESIDE_A_FIGURE), "width": share}  # fmt: skip
    return {"kind": type(block).__name__, **dataclasses.asdict(block)}


def _table(table: Table, most: int = MOST_ROWS) -> dict[str, Any]:
    columns, rows = table.columns[:MOST_COLUMNS], table.rows[:most]
    notes = [table.note] if table.note else []
    if len(table.rows) > most or len(table.columns) > MOST_COLUMNS:
        notes.append(f"All {len(table.rows):,d} rows and {len(table.columns)} columns are in figures/{table.name}.csv.")
    texts = [[_breakable(cell_text(cell)) for cell in row[:MOST_COLUMNS]] for row in rows]
    lengths = [max((len(row[place]) for row in [columns, *texts]), default=1) for place in range(len(columns))]
    return {
        "caption": table.caption,
        "columns": columns,
        "headed": any(columns),
        "rows": texts,
        "widths": [max(8, min(30, length)) for length in lengths],
        "note": " ".join(notes),
    }


def _breakable(text: str) -> str:
    """Let a line break after the joints of a name, and anywhere in what has none, so that it stays in its column."""
    return _LONG.sub(lambda match: match[0] + "\u200b", _JOINTS.sub("\\1\u200b", text))
