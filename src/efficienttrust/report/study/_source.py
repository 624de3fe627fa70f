"""What the sections of a report are made from: the plain analysis, the table of results, and failing examples."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from efficienttrust.report._format import shorten, words
from efficienttrust.report._palette import PLAIN, Style, styles

if TYPE_CHECKING:
    import polars as pl

Row = Mapping[str, Any]

ALL = "all data sets"
_COSTS = {
    "cost.time_wall": "wall time, s", "cost.time_cpu": "CPU time, s", "cost.memory": "peak memory, bytes",
    "cost.size": "size of the file, bytes", "cost.latency": "latency, ms (p95 of one row)", "cost.flops": "FLOPs",
    "cost.throughput": "throughput, rows/s",
}  # fmt: skip
_MOST_HEADLINE = 4


@dataclass(frozen=True, eq=False)
class Source:
    """What a report is made from.

    Attributes:
        document: `analysis.json` as plain values.
        table: The table of results, one row per trial; empty where it is not at hand.
        examples: Which rows trials decide wrongly, by `study/reporting`; None where the store is not at hand.
    """

    document: Row
    table: pl.DataFrame
    examples: Row | None = None

    def rows(self, section: str, name: str) -> Sequence[Row]:
        """Return a table of a section of the analysis."""
        found: Sequence[Row] = self.section(section).get(name) or ()
        return found

    def section(self, name: str) -> Row:
        """Return a section of the analysis."""
        found: Row = self.document.get(name) or {}
        return found

    @functools.cached_property
    def design(self) -> Row:
        """The design of the study."""
        found: Row = self.document["design"]
        return found

    @functools.cached_property
    def levels(self) -> dict[str, tuple[str, ...]]:
        """Levels by factor, in the order of the study file."""
        return {one["name"]: tuple(one["levels"]) for one in self.design["factors"]}

    @functools.cached_property
    def varied(self) -> tuple[str, ...]:
        """Factors whose effects are estimated: those that are no blocks and have two levels or more."""
        return tuple(one["name"] for one in self.design["factors"] if not one.get("block") and len(one["levels"]) > 1)

    @functools.cached_property
    def data_sets(self) -> tuple[str, ...]:
        """Data sets in the order of the study file."""
        return tuple(self.section("overview").get("data_sets") or ())

    @functools.cached_property
    def headline(self) -> tuple[str, ...]:
        """Columns that the analysis looked at closely, which are drawn; all are in tables."""
        found = dict.fromkeys(one["metric"] for one in self.rows("feasibility", "censored"))
        chosen = self.document.get("options", {}).get("headline") or found
        known = [name for name in self.columns if name in chosen]
        return tuple(known[:_MOST_HEADLINE])

    @functools.cached_property
    def columns(self) -> dict[str, Row]:
        """Analysed columns by name."""
        return {one["name"]: one for one in self.section("overview").get("columns") or ()}

    @property
    def level(self) -> str:
        """Confidence level of intervals, as `95 %`."""
        return f"{100 * float(self.document.get('options', {}).get('level', 0.95)):g} %"

    def label(self, column: str) -> str:
        """Return the name of a column for reading, with its unit where it has one."""
        if column in _COSTS:
            return _COSTS[column]
        known = self.columns.get(column, {}).get("label")
        return str(known) if known else words(column.partition(".")[2] or column)

    def better(self, column: str) -> str:
        """Return `higher is better`, `lower is better` or nothing."""
        better = self.columns.get(column, {}).get("better")
        return f"{better} is better" if better else ""

    def axis(self, column: str) -> str:
        """Return the title of an axis."""
        better = self.better(column)
        return f"{shorten(self.label(column), 44)}{f' ({better})' if better else ''}"

    def difference_axis(self, column: str) -> str:
        """Return the title of an axis of differences, where the panel names the metric."""
        better = self.better(column)
        return f"difference{f' ({better})' if better else ''}"

    def styles(self, factor: str) -> dict[str, Style]:
        """Return the styles of the levels of a factor; a method has the same in all figures."""
        return self._styles.get(factor) or dict.fromkeys(self.levels.get(factor, ()), PLAIN)

    @functools.cached_property
    def _styles(self) -> dict[str, dict[str, Style]]:
        order = sorted(self.levels, key=lambda name: name != "mitigation")  # methods choose first; the sort is stable
        found: dict[str, dict[str, Style]] = {}
        for name in order:
            found[name] = styles(self.levels[name], [one for looks in found.values() for one in looks.values()])
        return found


def data_name(data: str) -> str:
    """Return the name of a data set, or of all together."""
    return data or ALL


def position(order: Sequence[str], name: str) -> int:
    """Return the place of a name in an order; unknown ones come last."""
    return order.index(name) if name in order else len(order)
