"""What a figure is: the finding as its title and alt text, rows or panels to draw, and the same numbers as a table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from efficienttrust.report._format import number
from efficienttrust.report._read import Estimate, TargetText
from efficienttrust.report._scale import Scale, Tick, scale_over

MANY_ROWS = 8


@dataclass(frozen=True)
class Reading:
    """A table cell that holds an estimate: its value and, on a second line, its interval."""

    value: str
    interval: str

    def __str__(self) -> str:
        """Return both on one line, `0.042 (0.029 to 0.055)`."""
        return f"{self.value} ({self.interval})"


Cell = str | Reading


@dataclass(frozen=True)
class Table:
    """A table as text; the first `labels` cells of a row name it."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    labels: int = 1
    note: str = ""


@dataclass(frozen=True)
class LegendItem:
    """One entry of a legend: a mark (shape and colour go together) and its words."""

    mark: str
    text: str


@dataclass(frozen=True)
class DotRow:
    """One estimate on a panel: places in percent, None where it could not be estimated."""

    label: str
    text: str
    mark: str
    at: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class DotPanel:
    """Estimates of one metric one under the other, on one scale, with an optional line at a bound."""

    title: str
    rows: Sequence[DotRow]
    ticks: Sequence[Tick]
    line: float | None = None
    line_text: str = ""

    @property
    def many(self) -> bool:
        """Tell whether the rows need the layout for many rows: label and value beside the drawing."""
        return len(self.rows) > MANY_ROWS


@dataclass(frozen=True)
class Series:
    """A line in pieces (broken where a value is missing), its marks and their intervals, in percent of the panel."""

    mark: str
    pieces: Sequence[str]
    marks: Sequence[tuple[float, float]]
    whiskers: Sequence[tuple[float, float, float]] = ()


@dataclass(frozen=True)
class LinePanel:
    """One small multiple: a quantity over what stands on the horizontal axis."""

    title: str
    series: Sequence[Series]
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    line: float | None = None
    line_text: str = ""
    zone: tuple[float, float] | None = None
    end: tuple[float, float | None, float | None] | None = None


@dataclass(frozen=True)
class Figure:
    """A drawing with the sentence it shows; `alt` repeats the finding with its numbers, `meaning` reads it."""

    name: str
    finding: str
    alt: str
    table: Table
    legend: Sequence[LegendItem] = ()
    panels: Sequence[object] = field(default_factory=tuple)
    note: str = ""
    meaning: str = ""


def dot_panel(
    title: str,
    estimates: Iterable[tuple[str, str, Estimate]],
    *,
    target: TargetText | None = None,
) -> DotPanel:
    """Lay out `(label, mark, estimate)` rows on the scale that holds all of them and the target's bound."""
    listed = list(estimates)
    bound = target.bound if target else math.nan
    values = [value for _, _, e in listed for value in (e.value, e.low, e.high)]
    scale = scale_over([*values, bound], ticks=4, floor=0.0, ceiling=1.0)
    return DotPanel(
        title=title,
        rows=[_dot_row(label, mark, estimate, scale, bound) for label, mark, estimate in listed],
        ticks=scale.ticks(),
        line=scale.at(bound) if math.isfinite(bound) else None,
        line_text=target.wording if target else "",
    )


def reading(estimate: Estimate, near: float = math.nan) -> Cell:
    """Return an estimate as a table cell."""
    if not (estimate.known and estimate.bounded):
        return estimate.text(near)
    return Reading(number(estimate.value, near=near), estimate.interval(near))


def _dot_row(label: str, mark: str, estimate: Estimate, scale: Scale, near: float) -> DotRow:
    return DotRow(
        label=label,
        text=number(estimate.value, near=near) if estimate.known else estimate.missing,
        mark=mark,
        at=scale.at(estimate.value) if estimate.known else None,
        low=scale.at(estimate.low) if estimate.known and estimate.bounded else None,
        high=scale.at(estimate.high) if estimate.known and estimate.bounded else None,
    )
