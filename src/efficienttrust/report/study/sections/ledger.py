"""The ledger: what budgets asked, what was used, and by how much they were exceeded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from efficienttrust.report._format import shorten
from efficienttrust.report._palette import PLAIN
from efficienttrust.report.study._content import Block, Cell, Figure, Interval, Mark, Panel, Part, Table, Text
from efficienttrust.report.study._source import Source, position
from efficienttrust.report.study.sections._common import share

if TYPE_CHECKING:
    pass

_LEVEL = "factor.constraint"
_DATA_FREE = ("cost.time_wall", "cost.time_cpu", "cost.memory", "cost.size", "cost.latency", "cost.flops")


def ledger_part(source: Source) -> Part:
    """Return use over what was asked by constraint, and what was used where nothing was asked."""
    table = source.table
    asked = [name for name in table.columns if name.startswith("asked.") and table[name].is_finite().any()]
    blocks: list[Block] = []
    if not table.height:
        blocks.append(Text("The table of results was not at hand, so that the ledger cannot be shown."))
    elif asked:
        blocks += _asked(source, asked)
    else:
        blocks.append(Text("No budget asked for an amount of time, memory, size or latency."))
    if table.height and _LEVEL in table.columns:
        blocks += _used(source)
    return Part("ledger", "Budget ledger: asked, used, overrun", tuple(blocks))


def _asked(source: Source, asked: list[str]) -> Iterator[Block]:
    import polars as pl

    panels, rows, over, trials = [], [], 0, 0
    group = _LEVEL if _LEVEL in source.table.columns else "status"
    order = source.levels.get("constraint", ())
    for column in asked:
        resource = column.removeprefix("asked.")
        used, overrun = f"cost.{resource}", f"overrun.{resource}"
        if used not in source.table.columns:
            continue
        known = source.table.filter(pl.col(column).is_finite() & pl.col(used).is_finite() & (pl.col(column) > 0))
        if not known.height:
            continue
        excess = pl.col(overrun) if overrun in known.columns else pl.lit(float("nan"))
        found = known.group_by(group).agg(
            pl.len().alias("n"),
            pl.col(column).median().alias("asked"),
            pl.col(used).median().alias("used"),
            *(((pl.col(used) / pl.col(column)).quantile(q)).alias(f"q{q}") for q in (0.05, 0.5, 0.95)),
            (excess > 0).sum().alias("over"),
            excess.fill_nan(None).max().alias("most"),
        )
        marks = []
        for one in sorted(found.iter_rows(named=True), key=lambda one: position(order, one[group])):
            marks.append(Mark("used", str(one[group]), one["q0.5"], one["q0.05"], one["q0.95"]))
            most = float("nan") if one["most"] is None else float(one["most"])
            cells: tuple[Cell, ...] = (
                source.label(used), str(one[group]), int(one["n"]), float(one["asked"]), float(one["used"]),
                Interval(one["q0.5"], one["q0.05"], one["q0.95"]), int(one["over"]), most,
            )  # fmt: skip
            rows.append(cells)
            over, trials = over + int(one["over"]), trials + int(one["n"])
        panels.append(Panel(shorten(source.label(used), 60), "", "used ÷ asked (1 is the budget)", tuple(marks),
                            tuple(str(mark.at) for mark in marks)))  # fmt: skip
    if not panels:
        yield Text("Budgets were asked for, but what was used of them was not recorded.")
        return
    yield Figure(
        name="ledger",
        title="Used over asked",
        finding=f"{share(over, trials)} budgets of finished trials were exceeded.",
        kind="intervals",
        panels=tuple(panels),
        styles={"used": PLAIN},
        table=Table("ledger", "Asked, used and exceeded, in the unit of the resource",
                    ("resource", "constraint", "trials", "asked (median)", "used (median)",
                     "used ÷ asked (median, 5 to 95 % of trials)", "exceeded", "largest overrun"),
                    tuple(rows), labels=2),
        note="Bars span 5 to 95 % of the trials; they are no confidence intervals. An overrun is reported, not hidden: "
        "a step that has begun is finished.",
    )  # fmt: skip


def _used(source: Source) -> Iterator[Table]:
    import polars as pl

    costs = [name for name in _DATA_FREE if name in source.table.columns and name in source.columns]
    if not costs:
        return
    done = source.table.filter(pl.col("status") == "done")
    found = done.group_by(_LEVEL).agg(pl.len().alias("n"), *(pl.col(name).fill_nan(None).median() for name in costs))
    order = source.levels.get("constraint", ())
    rows = sorted(found.iter_rows(named=True), key=lambda one: position(order, one[_LEVEL]))
    yield Table(
        "costs",
        "What trials used: medians over finished trials",
        ("constraint", "trials", *(source.label(name) for name in costs)),
        tuple((str(one[_LEVEL]), int(one["n"]), *(_known(one[name]) for name in costs)) for one in rows),
    )


def _known(value: float | None) -> float:
    return float("nan") if value is None else float(value)
