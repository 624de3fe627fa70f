"""What is paid for what: trade-off curves against each cost that was measured, hypervolumes by budget, attainment."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from efficienttrust.report._format import as_float, number, shorten
from efficienttrust.report.study._cells import interval
from efficienttrust.report.study._content import Block, Cell, Figure, Folded, Mark, Panel, Part, Table
from efficienttrust.report.study._source import ALL, Row, Source, data_name, position
from efficienttrust.report.study.sections._common import listed, remarks, seen, slug

MOST_MARKS = 12_000
"""Of all trade-off figures together; beyond, only the means over all data sets are drawn."""
_LOG_FROM = 20.0  # ratio of largest to smallest cost from which on its axis is logarithmic
_FACTOR = "mitigation"


def tradeoffs_part(source: Source) -> Part | None:
    """Return a figure for each metric, its panels the costs; None where there is nothing to trade."""
    points = source.rows("pareto", "points")
    if not points:
        return None
    pairs = list(dict.fromkeys((one["x_column"], one["y_column"]) for one in points))
    metrics = [name for name in source.headline if any(y == name for _, y in pairs)]
    subsets: tuple[str, ...] = (ALL, *source.data_sets)
    if len(points) > MOST_MARKS or len(source.data_sets) < 2:
        pooled = [one for one in points if not one["data"]]
        points, subsets = (pooled or points), ((ALL,) if pooled else source.data_sets)
    blocks: list[Block] = []
    for metric in metrics:
        costs = [x for x, y in pairs if y == metric and x.startswith("cost.")]
        name = f"tradeoffs-{slug(source.label(metric))}"
        title = f"{source.label(metric)} against costs"
        blocks += _figure(source, points, [(x, metric) for x in costs], subsets, name, title)
    between = [(x, y) for x, y in pairs if not x.startswith("cost.")]
    blocks += _figure(source, points, between, subsets, "tradeoffs-metrics", "Metrics against each other")
    blocks += _hypervolumes(source)
    return Part("tradeoffs", "Trade-offs", (*blocks, *remarks(source, "pareto")), "exploratory")


def _figure(
    source: Source, points: Sequence[Row], pairs: Sequence[tuple[str, str]], subsets: tuple[str, ...], name: str,
    title: str,
) -> Iterator[Figure]:  # fmt: skip
    panels, rows = [], []
    for x, y in pairs:
        own = [one for one in points if (one["x_column"], one["y_column"]) == (x, y)]
        marks = [Mark(_series(one), as_float(one["x"]), as_float(one["y"]), subset=data_name(one["data"]),
                      joined=bool(one["on_front"])) for one in own]  # fmt: skip
        marks = [mark for mark in marks if math.isfinite(float(mark.at)) and math.isfinite(mark.value)]
        if not marks:
            continue
        values = [float(mark.at) for mark in marks]
        log = 10 if min(values) > 0 and max(values) / min(values) >= _LOG_FROM else 0
        panels.append(Panel(f"{shorten(source.label(y), 30)} over {shorten(source.label(x), 30)}", source.axis(x),
                            source.axis(y), tuple(marks), log=log))  # fmt: skip
        rows += own
    if not panels:
        return
    looks = source.styles(_FACTOR)
    used = {mark.series for panel in panels for mark in panel.marks}
    rows.sort(key=lambda one: (bool(one["data"]), position(source.data_sets, one["data"])))
    cells: tuple[tuple[Cell, ...], ...] = tuple(
        (data_name(one["data"]), str(one["mitigation"]) or "–", str(one["constraint"]) or "–",
         source.label(one["x_column"]), as_float(one["x"]), source.label(one["y_column"]), as_float(one["y"]),
         "yes" if one["on_front"] else "no") for one in rows
    )  # fmt: skip
    yield Figure(
        name=name,
        title=title,
        finding=_finding(source, [one for one in rows if data_name(one["data"]) == subsets[0]], subsets[0]),
        kind="points",
        panels=tuple(panels),
        styles=seen(looks, used),
        table=Table(name, title,
                    ("data set", "mitigation", "constraint", "across", "x", "up", "y", "on the front"), cells,
                    labels=3),
        subsets=subsets,
        note="A mark is the mean over seeds and other factors of one mitigation under one constraint; a line joins "
        "those that no other beats in both. A mean over data sets can hide that they disagree.",
    )  # fmt: skip


def _series(one: Row) -> str:
    return str(one["mitigation"]) or ALL


def _finding(source: Source, rows: Sequence[Row], subset: str) -> str:
    """Say which mitigations hold the fronts."""
    held: dict[str, int] = {}
    fronts = set()
    for one in rows:
        if one["on_front"]:
            held[str(one["mitigation"]) or "all"] = held.get(str(one["mitigation"]) or "all", 0) + 1
            fronts.add((one["x_column"], one["y_column"]))
    if not held:
        return f"In {subset} no point is on a front."
    total = sum(held.values())
    ranked = sorted(held, key=lambda name: -held[name])
    return (
        f"In {subset}, {total} points are on the {len(fronts)} fronts drawn here: "
        f"{listed([f'{name} {held[name]} ({number(100 * held[name] / total, 0)} %)' for name in ranked])}."
    )


def _hypervolumes(source: Source) -> Iterator[Block]:
    rows = source.rows("pareto", "hypervolumes")
    pooled = [one for one in rows if not one["data"]] or list(rows)
    if not pooled:
        return
    pairs = list(dict.fromkeys(tuple(one["columns"]) for one in pooled))
    order = source.levels.get("constraint", ())
    panels, best = [], []
    for pair in pairs:
        own = [one for one in pooled if tuple(one["columns"]) == pair]
        marks = []
        for one in own:
            found = interval(one["hypervolume"])
            marks.append(
                Mark(_series(one), str(one["constraint"]) or "all constraints", found.value, found.low, found.high)
            )
        known = [mark for mark in marks if math.isfinite(mark.value)]
        if known:
            top = max(known, key=lambda mark: mark.value)
            best.append(f"{' and '.join(map(source.label, pair))}: {top.series} at {top.at} ({number(top.value)})")
        categories = tuple(dict.fromkeys(str(mark.at) for mark in marks))
        panels.append(
            Panel(
                shorten(" × ".join(map(source.label, pair)), 64),
                "",
                "hypervolume (share of the box)",
                tuple(marks),
                tuple(sorted(categories, key=lambda name: position(order, name))),
            )
        )
    looks = source.styles(_FACTOR)
    yield Figure(
        name="hypervolume",
        title="Hypervolume by budget",
        finding=f"Largest mean hypervolume, {listed(best) or 'not estimable'}.",
        kind="intervals",
        panels=tuple(panels),
        styles=seen(looks, {mark.series for panel in panels for mark in panel.marks}),
        table=Table("hypervolume", "Hypervolume by budget, data set and mitigation",
                    ("objectives", "data set", "constraint", "mitigation", "hypervolume"),
                    tuple((" × ".join(map(source.label, one["columns"])), data_name(one["data"]),
                           str(one["constraint"]) or "–", str(one["mitigation"]) or "–", interval(one["hypervolume"]))
                          for one in rows), labels=4),
        note=f"Share of the box between ideal and worst values that is dominated; {source.level} intervals over seeds.",
    )  # fmt: skip
    if attained := source.rows("pareto", "attainment"):
        yield Folded(Table(
            "attainment", "Corners of the region that a share of the units attains",
            ("objectives", "data set", "constraint", "mitigation", "share of units", "corners"),
            tuple((" × ".join(map(source.label, one["columns"])), data_name(one["data"]),
                   str(one["constraint"]) or "–", str(one["mitigation"]) or "–", as_float(one["share"]),
                   "; ".join(f"({number(as_float(x))}, {number(as_float(y))})" for x, y in one["points"]) or "–")
                  for one in attained), labels=4))  # fmt: skip
