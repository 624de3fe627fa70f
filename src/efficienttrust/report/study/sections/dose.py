"""Dose and response: a metric against how tight a constraint is, one curve a kind."""

from __future__ import annotations

from collections.abc import Iterator

from efficienttrust.report._format import as_float, shorten
from efficienttrust.report._palette import Style, styles
from efficienttrust.report.study._cells import interval, probability
from efficienttrust.report.study._content import Block, Figure, Folded, Mark, Panel, Part, Table
from efficienttrust.report.study._source import ALL, Row, Source, data_name, position
from efficienttrust.report.study.sections._common import extreme, remarks, seen, slug


def dose_part(source: Source) -> Part | None:
    """Return a figure for each kind of constraint, trends and thresholds; None without doses."""
    points = [one for one in source.rows("dose", "points") if one["metric"] in source.headline]
    kinds = list(dict.fromkeys(one["kind"] for one in points))
    blocks: list[Block] = [figure for kind in kinds for figure in _curve(source, kind)]
    trends = [one for one in source.rows("dose", "trends") if one["metric"] in source.headline]
    if trends:
        blocks.append(
            Folded(
                Table(
                    "dose-trends",
                    "Change per halving or doubling of the dose, towards tighter",
                    ("metric", "constraint", "data set", "per", "slope", "p"),
                    tuple(
                        (
                            source.label(one["metric"]),
                            str(one["kind"]),
                            data_name(one["data"]),
                            str(one["per"]),
                            interval(one["slope"], signed=True),
                            probability(one["p"]),
                        )
                        for one in trends
                    ),
                    labels=3,
                )
            )
        )
    if thresholds := source.rows("dose", "thresholds"):
        blocks.append(Folded(Table(
            "dose-thresholds", "The loosest level at which a metric has left the margin around the unconstrained",
            ("metric", "constraint", "data set", "margin", "margin from", "has left it at", "wholly inside down to"),
            tuple((source.label(one["metric"]), str(one["kind"]), data_name(one["data"]), as_float(one["margin"]),
                   str(one["source"]), str(one["level"] or "none"), str(one["within"] or "none"))
                  for one in thresholds), labels=3)))  # fmt: skip
    blocks += remarks(source, "dose")
    return Part("dose", "Dose and response", tuple(blocks), "exploratory") if blocks else None


def _curve(source: Source, kind: str) -> Iterator[Figure]:
    rows = [one for one in source.rows("dose", "points") if one["kind"] == kind and one["metric"] in source.headline]
    looks = _styles(source)
    panels = []
    constraint: Row = next((one for one in source.design["constraints"].values() if one["kind"] == kind), {})
    down = constraint.get("tighter", "down") == "down"
    for metric in source.headline:
        marks = []
        for one in rows:
            if one["metric"] == metric:
                found = interval(one["difference"])
                marks.append(Mark(data_name(one["data"]), as_float(one["dose"]), found.value, found.low, found.high,
                                  joined=True))  # fmt: skip
        if not marks:
            continue
        doses = [float(mark.at) for mark in marks]
        log = 2 if min(doses) > 0 and max(doses) / min(doses) >= 4 else 0
        panels.append(Panel(shorten(source.label(metric), 60), f"{kind}: {rows[0]['unit'] or 'dose'}, tighter →",
                            source.difference_axis(metric), tuple(marks), log=log, zero=True,
                            reverse=down))  # fmt: skip
    if not panels:
        return
    pooled = [one for one in rows if not one["data"]] or rows
    named = [(f"{source.label(one['metric'])} at {one['level']}", interval(one["difference"], signed=True))
             for one in pooled]  # fmt: skip
    rows = sorted(rows, key=lambda one: (source.headline.index(one["metric"]), position(source.data_sets, one["data"])))
    yield Figure(
        name=f"dose-{slug(kind)}",
        title=f"{kind}: difference to the unconstrained",
        finding=extreme(named, source.level, f"{kind} to the unconstrained"),
        kind="lines",
        panels=tuple(panels),
        styles=seen(looks, {mark.series for panel in panels for mark in panel.marks}),
        table=Table(
            f"dose-{slug(kind)}", f"Difference to the unconstrained by dose of {kind}",
            ("metric", "data set", "level", "dose", "mean", "difference", "best monotone curve"),
            tuple((source.label(one["metric"]), data_name(one["data"]), str(one["level"]), as_float(one["dose"]),
                   as_float(one["mean"]), interval(one["difference"], signed=True),
                   interval(one["monotone"], signed=True)) for one in rows), labels=3,
        ),
        note=f"Bars are {source.level} intervals by t over seeds within data sets.",
    )  # fmt: skip


def _styles(source: Source) -> dict[str, Style]:
    """Give data sets colours of their own here, where no method is drawn; all together stand first."""
    return styles((ALL, *source.data_sets))
