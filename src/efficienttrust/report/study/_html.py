"""The report as one HTML page: interactive figures, still ones without JavaScript and in print, nothing fetched."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from efficienttrust.report import _theme
from efficienttrust.report._page import environment
from efficienttrust.report._palette import HUES
from efficienttrust.report.study._cells import cell_text, interval_text
from efficienttrust.report.study._content import Block, Card, Content, Folded, Interval, Part, Table
from efficienttrust.report.study._vega import javascript, specs

MOST_ROWS = 120
"""Rows of a table on the page; the CSV file has all."""
ICONS = {"supported": "met", "not supported": "missed"}
_SHAPES = {
    "circle": "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0Z", "triangle-up": "M0 -5.5L5.5 4.5H-5.5Z",
    "triangle-down": "M0 5.5L5.5 -4.5H-5.5Z", "triangle-right": "M5.5 0L-4.5 5.5V-5.5Z",
    "diamond": "M0 -6.5L6.5 0L0 6.5L-6.5 0Z", "square": "M-4.8 -4.8H4.8V4.8H-4.8Z",
    "cross": "M-2 -5.5H2V-2H5.5V2H2V5.5H-2V2H-5.5V-2H-2Z",
}  # fmt: skip


@dataclass(frozen=True)
class ShownTable:
    """A table as the templates draw it."""

    caption: str
    columns: tuple[str, ...]
    rows: list[list[Any]]
    labels: int
    note: str


@dataclass(frozen=True)
class _Span:
    value: str
    interval: str


def render_page(content: Content, stills: Mapping[str, bytes]) -> str:
    """Render the report as a page.

    Args:
        content: What it says.
        stills: SVG of each figure by name, for print and for readers without JavaScript.
    """
    from markupsafe import Markup

    figures = content.figures()
    return environment().get_template("study.html.j2").render(
        light=_theme.variables(_theme.LIGHT),
        dark=_theme.variables(_theme.DARK),
        document={},
        content=content,
        contents=[(part.id, part.title) for part in content.parts],
        blocks={part.id: list(_blocks(part)) for part in content.parts},
        tables={figure.name: _shown(figure.table) for figure in figures},
        stills={name: base64.b64encode(svg).decode() for name, svg in stills.items()},
        sizes={name: _size(svg) for name, svg in stills.items()},
        specs={figure.name: Markup(_json(specs(figure))) for figure in figures},
        night=Markup(_json(_night())),
        library=Markup(javascript()),
        shapes=_SHAPES,
        icons=ICONS,
    )  # fmt: skip


def _blocks(part: Part) -> list[tuple[str, Any]]:
    """Return blocks with the name of their kind; cards that follow one another stand side by side."""
    found: list[tuple[str, Any]] = []
    for block in part.blocks:
        if isinstance(block, Card):
            if not found or found[-1][0] != "Cards":
                found.append(("Cards", []))
            found[-1][1].append(block)
        else:
            found.append((type(block).__name__, _prepared(block)))
    return found


def _prepared(block: Block) -> Any:
    if isinstance(block, Table):
        return _shown(block)
    return _shown(block.table) if isinstance(block, Folded) else block


def _shown(table: Table) -> ShownTable:
    hidden = len(table.rows) - MOST_ROWS
    notes = [table.note] if table.note else []
    if hidden > 0:
        notes.append(f"{hidden:,d} more rows are in figures/{table.name}.csv.")
    return ShownTable(table.caption, table.columns, [[_cell(cell) for cell in row] for row in table.rows[:MOST_ROWS]],
                      table.labels, " ".join(notes))  # fmt: skip


def _cell(cell: Any) -> str | _Span:
    text = cell_text(cell)
    if isinstance(cell, Interval) and "(" in interval_text(cell):
        value, _, rest = text.partition(" (")
        return _Span(value, rest.removesuffix(")"))
    return text


def _size(svg: bytes) -> tuple[int, int]:
    """Return width and height in px, so that the page does not jump when a picture is drawn."""
    head = svg[:2000]
    width, height = (re.search(rb'%s="([\d.]+)pt"' % name, head) for name in (b"width", b"height"))
    assert width is not None, "matplotlib writes it"
    assert height is not None, "matplotlib writes it"
    return round(float(width[1]) * 4 / 3), round(float(height[1]) * 4 / 3)


def _night() -> dict[str, str]:
    """Return the dark colour of each light one."""
    found = dict(HUES.values())
    return found | {_theme.LIGHT[name]: _theme.DARK[name] for name in ("ink", "muted", "grid", "rule")}


def _json(value: Any) -> str:
    """Return JSON that may stand in a script element, whatever the names in it."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
