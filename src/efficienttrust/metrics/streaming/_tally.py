"""What was counted, seen as groups: of one attribute, or of the intersections of all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from efficienttrust.errors import unknown_name
from efficienttrust.metrics.rates import Rates, rates_of_sums
from efficienttrust.metrics.streaming._counting import Tables
from efficienttrust.metrics.streaming._schema import Schema
from efficienttrust.metrics.values import Array, Floats

KINDS = ("rows", "mass", "squares")
"""What is summed in every cell."""

Regroup = Callable[[Array], Array]
"""Sums by intersection [slots, …] -> sums by group [G, …]."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Counts in cells, as [groups, cells …].

    Attributes:
        weighted: Whether rows are weighted.
        rows: Rows in each cell.
        mass: Their weight; the rows where they are not weighted.
        squares: Their squared weight; the rows where they are not weighted.
    """

    weighted: bool
    rows: Array
    mass: Array
    squares: Array

    def sum(self, axis: int | tuple[int, ...]) -> Cells:
        """Return the cells added up along axes."""
        return self._each(lambda table: table.sum(axis=axis))

    def take(self, index: Any) -> Cells:
        """Return the cells at a numpy index."""
        return self._each(lambda table: table[index])

    def _each(self, change: Callable[[Array], Array]) -> Cells:
        return Cells(self.weighted, change(self.rows), change(self.mass), change(self.squares))


@dataclass(frozen=True, eq=False)
class Tally:
    """The tables of an accumulator, with the groups that they are asked about.

    Attributes:
        schema: What was counted.
        tables: The sums.
        centre: What was subtracted from the labels of a regression.
    """

    schema: Schema
    tables: Tables
    centre: float

    @property
    def n(self) -> int:
        """Rows counted, those of unknown group among them."""
        return int(self.tables["cells rows"][:, 0].sum())

    @property
    def unscored(self) -> str:
        """Why scores say nothing, or an empty text."""
        return "some scores are not numbers" if self.tables["unscored"][0] else ""

    def cells(self, name: str, regroup: Regroup) -> Cells:
        """Return the counts of one name by group."""
        rows = regroup(self.tables[f"{name} rows"])
        if not self.schema.weighted:
            return Cells(False, rows, rows, rows)
        return Cells(True, rows, *(regroup(self.tables[f"{name} {kind}"]) for kind in ("mass", "squares")))

    def everyone(self, table: Array) -> Array:
        """Return the sums of all rows as those of one group, [1, …]."""
        return np.asarray(table.sum(axis=0, keepdims=True))

    def right(self, regroup: Regroup) -> Cells:
        """Return the counts of rows that are wrong and right, [G, 2]; several labels are right when all of them are."""
        if self.schema.task == "multilabel":
            return self.cells("right", regroup)
        cells, own = self.cells("cells", regroup), np.eye(self.schema.cells[1], dtype=bool)
        wrong, right = (cells.take((slice(None), 0, mask)).sum(axis=1) for mask in (~own, own))
        both = (np.stack([getattr(wrong, kind), getattr(right, kind)], axis=1) for kind in KINDS)
        return Cells(cells.weighted, *both)

    def sizes(self, names: tuple[str, ...], regroup: Regroup) -> Rates:
        """Return the groups with their rows, as rates of what always happens."""
        right = self.right(regroup)
        everything = np.ones(2, dtype=bool)
        return cell_rates(names, right, everything, everything, "rows")

    def class_views(self) -> dict[str, Tally]:
        """Return class or label -> the tally of that class against the rest."""
        return {name: self._against_rest(code) for code, name in enumerate(self.schema.classes)}

    def _against_rest(self, code: int) -> Tally:
        multiclass, tables = self.schema.task == "multiclass", {}
        for name, table in self.tables.items():
            if name.startswith("cells"):
                tables[name] = one_against_rest(table, code) if multiclass else table[:, code : code + 1]
            elif name.startswith(("histogram", "scores")):
                tables[name] = table[:, code : code + 1]
            elif name == "unscored":
                tables[name] = table
        schema = Schema(self.schema.attributes, "binary", (), self.schema.weighted, self.schema.bins)
        return Tally(schema, tables, 0.0)

    def groups(self, by: str | None) -> tuple[tuple[str, ...], Regroup]:
        """Return names and regrouping of the groups of one attribute, or for None of the intersections that occur."""
        attributes = self.schema.attributes
        if by is not None and by not in attributes:
            raise unknown_name("sensitive attribute", by, attributes)
        if not attributes:
            return ("all rows",), self.everyone
        shape = tuple(len(groups) + 1 for groups in attributes.values())
        if by is not None or len(attributes) == 1:
            axis = list(attributes).index(by) if by is not None else 0
            others = tuple(place for place in range(len(shape)) if place != axis)
            names = next(iter(attributes.values())) if by is None else attributes[by]
            return names, lambda table: np.asarray(table.reshape(*shape, *table.shape[1:]).sum(axis=others)[1:])
        known = np.zeros(shape, dtype=bool)
        known[(slice(1, None),) * len(shape)] = True
        occurring = known.ravel() & (self.tables["cells rows"][:, 0].sum(axis=(1, 2)) > 0)
        # code 0 of each attribute is the unknown one; it never occurs among the known
        all_names = [" & ".join(names) for names in product(*(("", *groups) for groups in attributes.values()))]
        names = tuple(name for name, occurs in zip(all_names, occurring, strict=True) if occurs)
        return names, lambda table: np.asarray(table[occurring])


def one_against_rest(table: Array, code: int) -> Array:
    """Return the counts [..., 2, 2] of one class against the rest, from those of all classes [..., K, K]."""
    rows, columns = table[..., code, :].sum(axis=-1), table[..., :, code].sum(axis=-1)
    hits, everything = table[..., code, code], table.sum(axis=(-2, -1))
    cells = [everything - rows - columns + hits, columns - hits, rows - hits, hits]
    return np.stack(cells, axis=-1).reshape(*hits.shape, 2, 2)


def cell_rates(names: tuple[str, ...], cells: Cells, event: Array, given: Array, unit: str) -> Rates:
    """Return the share of weight in the cells of `event` among those of `given`, per group of [groups, cells …]."""
    flat = Cells(cells.weighted, *(getattr(cells, kind).reshape(len(names), -1) for kind in KINDS))
    trials, hits = flat.take((slice(None), given.ravel())), flat.take((slice(None), (given & event).ravel()))
    mass: Floats = trials.mass.sum(axis=1).astype(np.float64)
    n, hit, squares = trials.rows.sum(axis=1), hits.mass.sum(axis=1), trials.squares.sum(axis=1)
    return rates_of_sums(names, n, hit, mass, squares, unit, weighted=cells.weighted)
