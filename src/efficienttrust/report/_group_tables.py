"""Tables of groups in a document: where they stand, which count the same rows, and what their rows add up to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from efficienttrust.report._comparisons import attribute_of
from efficienttrust.report._complementary import Cell
from efficienttrust.report._format import as_float
from efficienttrust.report._read import part

UNKNOWN = "(unknown)"
"""Name of the rows of no known group."""


@dataclass
class GroupTable:
    """Rows about groups that were counted together; `scope` tells which tables count the same rows."""

    scope: str
    rows: list[tuple[Cell, dict[str, Any]]]

    def counts(self) -> dict[Cell, int]:
        """Return the rows of each group, as far as they are counted."""
        return {cell: int(as_float(row["n"])) for cell, row in self.rows if math.isfinite(as_float(row["n"]))}

    def positives(self) -> dict[Cell, int]:
        """Return the positive rows of each group, as far as they are known."""
        found = {cell: _positives(row) for cell, row in self.rows}
        return {cell: count for cell, count in found.items() if count is not None}


def tables_of_groups(node: Any, path: tuple[str, ...]) -> Iterator[GroupTable]:
    """Yield every table of groups: `groups`, and lists of `{group, n, …}` by attribute."""
    if isinstance(node, list):
        for place, item in enumerate(node):
            yield from tables_of_groups(item, (*path, str(place)))
        return
    if not isinstance(node, dict):
        return
    scope = "problem" if path[:1] == ("problem",) else "/".join(path) if path[:1] == ("shift",) else "measured"
    together: list[tuple[Cell, dict[str, Any]]] = []
    for key, item in node.items():
        name = "name" if key == "environments" else "group"
        if not (isinstance(item, list) and item and all(isinstance(r, dict) and {name, "n"} <= r.keys() for r in item)):
            yield from tables_of_groups(item, (*path, key))
            continue
        rows = [((attribute_of(row) or key, str(row[name])), row) for row in item]
        if "attribute" in item[0]:
            yield GroupTable(scope, rows)
        else:
            together += rows
        for place, row in enumerate(item):
            yield from tables_of_groups(row, (*path, key, str(place)))
    if together:
        yield GroupTable(scope, together)


def _positives(row: Mapping[str, Any]) -> int | None:
    """Return how many rows of a group are positive, counted or told by the base rate."""
    if "positives" in row:
        count = as_float(row["positives"])
    else:
        rate = row.get("base_rate")
        count = as_float(rate.get("value") if isinstance(rate, Mapping) else rate) * as_float(row["n"])
    return round(count) if math.isfinite(count) else None


def add_unknown(tables: Sequence[GroupTable], document: Mapping[str, Any], least: int) -> None:
    """Add the rows of no known group to the tables of the data, where they are few: all rows less those shown."""
    for table in tables:
        total = as_float(part(document, "problem").get("rows")) if table.scope == "problem" else math.nan
        for attribute in dict.fromkeys(attribute for (attribute, _), _ in table.rows):
            unknown = total - sum(as_float(row["n"]) for (other, _), row in table.rows if other == attribute)
            if 0 < unknown < least:  # not where a count is withheld already
                table.rows.append(((attribute, UNKNOWN), {"n": int(unknown)}))
