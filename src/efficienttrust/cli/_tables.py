"""Tables for people on stdout, without colour when that is not a terminal or NO_COLOR is set."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


WIDTH_WITHOUT_TERMINAL = 160
"""Columns of a table that goes to a file or a pipe."""

STYLES = {
    "certified": "green",
    "met": "green",
    "ok": "green",
    "yes": "green",
    "warn": "yellow",
    "missing": "yellow",
    "missed": "red",
    "infeasible": "red",
    "no": "red",
}
"""Colour of a word that judges; the word itself always says the same."""


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "") -> None:
    """Print a table; numbers stand right, words that judge are coloured."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, title=Text(title) if title else None, title_justify="left"
    )
    rows = [list(row) for row in rows]
    for position, column in enumerate(columns):
        cells = [row[position] for row in rows if row[position] is not None]
        numeric = bool(cells) and all(isinstance(cell, int | float) for cell in cells)
        table.add_column(column, justify="right" if numeric else "left")
    for row in rows:
        texts = [text(cell) for cell in row]
        table.add_row(*(Text(shown, style=STYLES.get(shown, "")) for shown in texts))
    console().print(table)


def text(value: object) -> str:
    """Return a cell as text: thousands separated, four digits of a small number, nothing for None, `-` for NaN."""
    if value is None:
        return ""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return str(value)
    if math.isnan(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 or isinstance(value, int) else f"{value:.4g}"


def interval(entry: Mapping[str, Any]) -> str:
    """Return `[low, high]` of a verdict or measurement, or `-` where there is none."""
    low, high = entry.get("low"), entry.get("high")
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return "-"
    return f"[{low:.3f}, {high:.3f}]"


def console() -> Console:
    """Return the console for stdout."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL)
