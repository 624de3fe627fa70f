"""Failure modes: which groups and which examples fail under which constraint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from efficienttrust.report._format import as_float, number, shorten, words
from efficienttrust.report._small_cells import LEAST
from efficienttrust.report.study._content import (
    Block,
    Figure,
    Folded,
    Heading,
    Interval,
    Lines,
    Mark,
    Panel,
    Part,
    Table,
    Text,
)
from efficienttrust.report.study._source import Row, Source, position
from efficienttrust.report.study.sections._common import seen

if TYPE_CHECKING:
    pass

_GROUP, _LEVEL = "group.", "factor.constraint"
_DRAWN = ("accuracy", "tpr", "selection_rate")  # the first that is known is drawn
_SHOWN = 30  # rows
_MOST_PANELS = 6


def failures_part(source: Source) -> Part:
    """Return reasons, groups and examples that fail, each with what is withheld."""
    blocks: list[Block] = [*_reasons(source), Heading("Groups"), *_groups(source), Heading("Examples")]
    blocks += _examples(source)
    return Part("failures", "Failure modes", tuple(blocks), "exploratory")


def _reasons(source: Source) -> Iterator[Block]:
    import polars as pl

    if not source.table.height:
        return
    lost = source.table.filter(pl.col("status") != "done")
    if not lost.height:
        yield Text("No trial failed and none was infeasible.")
        return
    keys = ["status", *([_LEVEL] if _LEVEL in lost.columns else []), "reason"]
    found = lost.group_by(keys).agg(pl.len().alias("n"))
    ordered = sorted(found.iter_rows(named=True), key=lambda one: (-one["n"], *(str(one[key]) for key in keys)))
    yield Table("reasons", "Why trials have no figures", ("outcome", "constraint", "reason", "trials"),
                tuple((str(one["status"]), str(one.get(_LEVEL, "–")), shorten(str(one["reason"] or "none given"), 160),
                       int(one["n"])) for one in ordered[:_SHOWN]), labels=2,
                note=f"{len(ordered) - _SHOWN} rarer rows are not shown." if len(ordered) > _SHOWN else "")  # fmt: skip


def _groups(source: Source) -> Iterator[Block]:
    changes = _changes(source)
    if not changes:
        yield Text("The table of results has no figures by group that can be paired with an unconstrained trial.")
        return
    few = {(str(one["data"]), str(one["group"])) for one in (source.examples or {}).get("few", ())}
    withheld = len({(one["data"], one["group"]) for one in changes if (one["data"], one["group"]) in few})
    changes = [one for one in changes if (one["data"], one["group"]) not in few]
    rate = next((name for name in _DRAWN if any(one["rate"] == name for one in changes)), "")
    if rate:
        yield from _figure(source, [one for one in changes if one["rate"] == rate], rate)
    worst = sorted(changes, key=lambda one: one["mean"])[:_SHOWN]
    yield Folded(
        Table(
            "groups",
            "Groups whose rates fell most under a constraint",
            ("data set", "group", "rate", "constraint", "change (mean, 5 to 95 % of pairs)", "pairs"),
            tuple(
                (
                    one["data"],
                    one["group"],
                    words(one["rate"]),
                    one["level"],
                    Interval(one["mean"], one["low"], one["high"], signed=True),
                    one["n"],
                )
                for one in worst
            ),
            labels=2,
        )
    )
    if withheld:
        yield Text(f"{withheld} groups with fewer than {LEAST} test rows are withheld.")
    elif source.examples is None:
        yield Text("How many test rows a group has is not in the table of results, and the store was not at hand: "
                   "small groups are not marked here. In clinical data, rates of fewer than ten people are withheld "
                   "when a trial ends.")  # fmt: skip


def _changes(source: Source) -> list[dict[str, Any]]:
    """Return the change of each group's rates from the unconstrained trial with the same other factors and seed."""
    import polars as pl

    table = source.table
    columns = [name for name in table.columns if name.startswith(_GROUP) and table[name].is_finite().any()]
    reference = next((one["reference"] for one in source.design["factors"] if one["name"] == "constraint"), None)
    if not columns or reference is None or _LEVEL not in table.columns:
        return []
    keys = [name for name in table.columns if name.startswith("factor.") and name != _LEVEL] + ["seed"]
    done = table.filter(pl.col("status") == "done").select([*keys, _LEVEL, *columns])
    free = done.filter(pl.col(_LEVEL) == reference).drop(_LEVEL).unique(keys, maintain_order=True)
    pairs = done.filter(pl.col(_LEVEL) != reference).join(free, on=keys, suffix=" of the reference")
    by = [_LEVEL, *(["factor.data"] if "factor.data" in keys else [])]
    found: list[dict[str, Any]] = []
    for column in columns:
        change = (pl.col(column) - pl.col(f"{column} of the reference")).fill_nan(None)
        rows = pairs.group_by(by).agg(
            change.mean().alias("mean"), change.quantile(0.05).alias("low"), change.quantile(0.95).alias("high"),
            change.count().alias("n"),
        )  # fmt: skip
        rate, _, group = column.removeprefix(_GROUP).partition(".")
        found += [
            {"data": str(one.get("factor.data", "all")), "level": str(one[_LEVEL]), "rate": rate, "group": group,
             **{key: one[key] for key in ("mean", "low", "high", "n")}}
            for one in rows.iter_rows(named=True) if one["n"]
        ]  # fmt: skip
    order, sets = source.levels.get("constraint", ()), source.data_sets
    found.sort(key=lambda one: (position(sets, one["data"]), one["group"], position(order, one["level"]), one["rate"]))
    return found


def _figure(source: Source, changes: Sequence[dict[str, Any]], rate: str) -> Iterator[Figure]:
    drawn = _tightest(source)
    panels: list[Panel] = []
    for data in dict.fromkeys(one["data"] for one in changes):
        own = [one for one in changes if one["data"] == data and one["level"] in drawn]
        marks = tuple(Mark(one["level"], one["group"], one["mean"], one["low"], one["high"]) for one in own)
        if marks and len(panels) < _MOST_PANELS:
            groups = tuple(dict.fromkeys(str(mark.at) for mark in marks))
            panels.append(Panel(data, "", f"change of {words(rate)}", marks, groups, zero=True))
    if not panels:
        return
    worst = min((one for one in changes), key=lambda one: one["mean"])
    used = {mark.series for panel in panels for mark in panel.marks}
    yield Figure(
        name="groups", title=f"Change of {words(rate)} by group, against the unconstrained",
        finding=f"The largest mean fall of {words(rate)} is that of {worst['group']} in {worst['data']} at "
        f"{worst['level']}: {number(worst['mean'])} over {worst['n']} pairs of trials.",
        kind="intervals", panels=tuple(panels), styles=seen(source.styles("constraint"), used),
        table=Table("groups-change", f"Change of {words(rate)} by group",
                    ("data set", "group", "constraint", "change (mean, 5 to 95 % of pairs)", "pairs"),
                    tuple((one["data"], one["group"], one["level"],
                           Interval(one["mean"], one["low"], one["high"], signed=True), one["n"]) for one in changes),
                    labels=3),
        note="Bars span 5 to 95 % of the pairs of trials; they are no confidence intervals. The tightest level of each "
        "kind is drawn, all are in the table.",
    )  # fmt: skip


def _tightest(source: Source) -> set[str]:
    """Return the tightest level of each kind of constraint."""
    found: dict[str, tuple[float, str]] = {}
    for level, one in source.design["constraints"].items():
        if one["kind"] == "none":
            continue
        dose = as_float(one["dose"])
        rank = -dose if one["tighter"] == "down" else dose
        if one["kind"] not in found or rank > found[one["kind"]][0]:
            found[one["kind"]] = (rank, level)
    return {level for _, level in found.values()}


def _examples(source: Source) -> Iterator[Block]:
    if source.examples is None:
        yield Text("Which rows were decided wrongly is in the store of the study, which was not at hand: this section "
                   "needs the report to be made from the study file.")  # fmt: skip
        return
    flips: Sequence[Row] = source.examples.get("flips", ())
    if flips:
        yield Table(
            "flips", "Test rows that a constraint turned wrong, and right, against the unconstrained trial",
            ("data set", "constraint", "pairs of trials", "test rows", "newly wrong (mean)", "newly right (mean)"),
            tuple((str(one["data"]), str(one["constraint"]), int(one["pairs"]), int(one["rows"]),
                   _few(one["newly_wrong"]), _few(one["newly_right"])) for one in flips), labels=2)  # fmt: skip
    traits: Sequence[Row] = source.examples.get("traits", ())
    if traits:
        yield Table(
            "traits", "Who the newly wrong rows are, where they differ most from the test split",
            ("data set", "constraint", "trait", "rows newly wrong", "share of them", "share of the test split"),
            tuple((str(one["data"]), str(one["constraint"]), str(one["trait"]), int(one["count"]),
                   as_float(one["share"]), as_float(one["base"])) for one in traits), labels=3,
            note=f"Rows that half of the trials at this level turn wrong. Traits of fewer than {LEAST} rows are "
                 "withheld. An association, not a cause.")  # fmt: skip
    if not flips:
        yield Text("No trial kept which rows it decides wrongly, or none has an unconstrained partner.")
    if notes := source.examples.get("notes"):
        yield Lines(tuple(str(note) for note in notes))


def _few(value: object) -> str:
    rows = as_float(value)
    return f"fewer than {LEAST}" if 0 < rows < LEAST else number(rows, 1)
