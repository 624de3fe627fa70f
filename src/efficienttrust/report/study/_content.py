"""What a report says, before it is a page or a print: paragraphs, tables and figures in sections."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from efficienttrust.report._palette import Style


@dataclass(frozen=True)
class Interval:
    """A figure with the ends of its interval; `signed` where it is a difference."""

    value: float
    low: float = math.nan
    high: float = math.nan
    signed: bool = False


class Probability(float):
    """The p of a test, which is shown as `< 0.001` where it is small."""


Cell = str | int | float | Interval
"""A number stays a number until it is printed, so that the CSV holds it in full."""


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        name: Of its CSV file.
        caption: What it shows.
        columns: Their heads.
        rows: Cells.
        labels: How many columns are heads of their row.
        note: Below it.
    """

    name: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    labels: int = 1
    note: str = ""


@dataclass(frozen=True)
class Mark:
    """A figure at a place.

    Attributes:
        series: Which style it has.
        at: Category, or number across.
        value: The figure.
        low: Lower end of its interval; NaN without one.
        high: Upper end.
        subset: Of which data; a reader chooses one subset of a figure.
        joined: Whether a line joins it with the others of its series (kind `points`: with all others).
    """

    series: str
    at: str | float
    value: float
    low: float = math.nan
    high: float = math.nan
    subset: str = ""
    joined: bool = False


@dataclass(frozen=True)
class Panel:
    """One pair of axes.

    Attributes:
        title: Above it.
        at: Title of the axis of `Mark.at`.
        value: Title of the axis of `Mark.value`.
        marks: What is drawn.
        order: Categories in order; empty where `Mark.at` is a number.
        log: Base of the axis of `Mark.at`; 0 for a linear one.
        zero: Whether a line stands at 0.
        reverse: Whether the axis of `Mark.at` runs from large to small.
    """

    title: str
    at: str
    value: str
    marks: tuple[Mark, ...]
    order: tuple[str, ...] = ()
    log: int = 0
    zero: bool = False
    reverse: bool = False


@dataclass(frozen=True)
class Figure:
    """A picture of one or more panels, and its numbers.

    Attributes:
        name: Of its files.
        title: Above it.
        finding: The sentence that says what it shows, computed from its numbers; also its alternative text.
        kind: `intervals` (figures across, categories down), `lines` (figures up, over ordered categories or numbers) or
            `points` (two measures against each other).
        panels: At least one.
        styles: By series, in the order of the legend.
        table: The numbers.
        subsets: Choices of `Mark.subset`; the first one is what print shows. Empty: there is nothing to choose.
        choice: What is chosen among `subsets`.
        note: Below it.
    """

    name: str
    title: str
    finding: str
    kind: Literal["intervals", "lines", "points"]
    panels: tuple[Panel, ...]
    styles: Mapping[str, Style]
    table: Table
    subsets: tuple[str, ...] = ()
    choice: str = "Data set"
    note: str = ""


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    words: str


@dataclass(frozen=True)
class Heading:
    """A heading inside a section."""

    words: str


@dataclass(frozen=True)
class Lines:
    """A list; with a name where a reader opens it (in print it is shown)."""

    items: tuple[str, ...]
    folded: str = ""


@dataclass(frozen=True)
class Code:
    """A command, to be copied."""

    words: str


@dataclass(frozen=True)
class Card:
    """A planned hypothesis and its verdict.

    Attributes:
        verdict: `supported`, `not supported` or `not tested`.
        name: Of the hypothesis.
        statement: In words.
        facts: Pairs of a name and what it is.
    """

    verdict: str
    name: str
    statement: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Folded:
    """A table that a reader opens; in print it is shown."""

    table: Table


Block = Text | Heading | Lines | Code | Card | Folded | Table | Figure


@dataclass(frozen=True)
class Part:
    """A section of the report.

    Attributes:
        id: For links.
        title: Heading.
        tag: `planned` or `exploratory`, where it is about effects; else empty.
        blocks: In the order of reading.
    """

    id: str
    title: str
    blocks: tuple[Block, ...]
    tag: Literal["planned", "exploratory", ""] = ""


@dataclass(frozen=True)
class Content:
    """The whole report.

    Attributes:
        name: Of the study.
        title: Its question.
        lede: The outcome in a few sentences.
        parts: Sections.
    """

    name: str
    title: str
    lede: tuple[str, ...]
    parts: tuple[Part, ...]
    footer: tuple[str, ...] = field(default=())

    def figures(self) -> tuple[Figure, ...]:
        """Return all figures in the order of reading."""
        return tuple(block for part in self.parts for block in part.blocks if isinstance(block, Figure))

    def tables(self) -> tuple[Table, ...]:
        """Return all tables in the order of reading, those of figures included."""
        found = []
        for part in self.parts:
            for block in part.blocks:
                if isinstance(block, Table):
                    found.append(block)
                elif isinstance(block, Folded | Figure):
                    found.append(block.table)
        return tuple(found)
