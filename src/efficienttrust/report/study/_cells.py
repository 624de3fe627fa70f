"""Cells as text: for people with few digits, for CSV with all."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from efficienttrust.report._format import NOT_ESTIMABLE, as_float, number
from efficienttrust.report.study._content import Cell, Interval, Probability


def cell_text(cell: Cell) -> str:
    """Return a cell for reading; what cannot be estimated is said so."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, Interval):
        return interval_text(cell)
    if isinstance(cell, Probability):
        return probability_text(cell)
    if isinstance(cell, int):
        return f"{cell:,d}".replace("-", "−")
    return number(cell)


def interval_text(one: Interval) -> str:
    """Return `0.012 (0.008 to 0.016)`, with a sign in front where it is a difference."""
    if not math.isfinite(one.value):
        return NOT_ESTIMABLE
    text = f"+{number(one.value)}" if one.signed and one.value > 0 else number(one.value)
    if not (math.isfinite(one.low) and math.isfinite(one.high)):
        return f"{text} (no interval)"
    return f"{text} ({number(one.low)} to {number(one.high)})"


def probability_text(p: float) -> str:
    """Return a p with three decimals, `< 0.001` below."""
    if not math.isfinite(p):
        return NOT_ESTIMABLE
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def csv_columns(head: str, cells: list[Cell]) -> Iterator[tuple[str, list[Any]]]:
    """Yield the columns of a CSV file that hold a column of a table: three for intervals."""
    if any(isinstance(cell, Interval) for cell in cells):
        for end in ("value", "low", "high"):
            name = head if end == "value" else f"{head}, {end}"
            yield name, [_plain(getattr(cell, end) if isinstance(cell, Interval) else cell) for cell in cells]
    else:
        yield head, [_plain(cell) for cell in cells]


def _plain(cell: Any) -> Any:
    if isinstance(cell, float):
        return float(cell) if math.isfinite(cell) else ""
    return cell


def interval(raw: Any, *, signed: bool = False) -> Interval:
    """Return an estimate of the document; null is NaN."""
    if not isinstance(raw, Mapping):
        return Interval(math.nan, signed=signed)
    value, low, high = (as_float(raw.get(end)) for end in ("value", "low", "high"))
    return Interval(value, low, high, signed=signed)


def probability(raw: Any) -> Probability:
    """Return a p of the document; null is NaN."""
    return Probability(as_float(raw))
