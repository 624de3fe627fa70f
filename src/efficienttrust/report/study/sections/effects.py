"""Differences to the reference in natural units: all data sets together, and each (a forest)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from efficienttrust.report._format import shorten
from efficienttrust.report.study._cells import interval, probability
from efficienttrust.report.study._content import Block, Figure, Folded, Mark, Panel, Part, Table, Text
from efficienttrust.report.study._source import ALL, Row, Source, position
from efficienttrust.report.study.sections._common import extreme, remarks, slug


def effects_part(source: Source) -> Part:
    """Return a forest for each factor, and the whole table."""
    blocks: list[Block] = [
        Text("Every difference is the level minus the reference of its factor, paired; planned hypotheses are above, "
             "the rows here are exploratory unless they name one.")
    ]  # fmt: skip
    for factor in source.varied:
        blocks += _forest(source, factor)
    pooled = source.rows("effects", "pooled")
    if pooled:
        blocks.append(Folded(_table(source, "effects", "All differences to the reference", pooled)))
    mixed = source.rows("mixed", "effects")
    if mixed:
        blocks.append(Folded(Table(
            "mixed-models", "The same from mixed models",
            ("metric", "factor", "level", "difference", "p", "model", "left before it"),
            tuple((source.label(one["metric"]), str(one["factor"]), str(one["level"]),
                   interval(one["difference"], signed=True), probability(one["p"]), str(one["model"]),
                   "; ".join(map(str, one["tried"])) or "–") for one in mixed), labels=3)))  # fmt: skip
    blocks += _without_model(source)
    return Part("effects", "Effects", (*blocks, *remarks(source, "effects", "mixed", "comparisons")), "exploratory")


def _forest(source: Source, factor: str) -> Iterator[Figure]:
    metrics = source.headline
    pooled = [one for one in source.rows("effects", "pooled") if one["factor"] == factor and one["metric"] in metrics]
    by_data = [one for one in source.rows("effects", "by_data") if one["factor"] == factor and one["metric"] in metrics]
    if not pooled:
        return
    levels = [name for name in source.levels[factor] if name in {one["level"] for one in pooled}]
    order = (ALL, *source.data_sets) if len(source.data_sets) > 1 else source.data_sets
    panels = []
    for metric in metrics:
        rows = [("", one) for one in pooled if one["metric"] == metric] if len(source.data_sets) > 1 else []
        rows += [(one["data"], one) for one in by_data if one["metric"] == metric]
        marks = [_mark(data, one) for data, one in rows]
        if marks:
            title = shorten(source.label(metric), 60)
            panels.append(Panel(title, "", source.difference_axis(metric), tuple(marks), order, zero=True))
    reference = pooled[0]["reference"]
    named = [(f"{source.label(one['metric'])} at {one['level']}", interval(one["difference"], signed=True))
             for one in pooled]  # fmt: skip
    listed = sorted([*pooled, *by_data], key=lambda one: (metrics.index(one["metric"]), position(levels, one["level"])))
    yield Figure(
        name=f"effects-{slug(factor)}",
        title=f"{factor}: differences to {reference}",
        finding=extreme(named, source.level, f"{factor} to {reference} over all data sets"),
        kind="intervals",
        panels=tuple(panels),
        styles={name: source.styles(factor)[name] for name in levels},
        table=Table(
            f"effects-{slug(factor)}", f"Differences to {reference}, by data set",
            ("metric", "level", "data set", "difference", "units"),
            tuple((source.label(one["metric"]), str(one["level"]), str(one.get("data", ALL)),
                   interval(one["difference"], signed=True), int(one["units"])) for one in listed), labels=3,
        ),
        note=f"Bars are {source.level} intervals by t over seeds within data sets: about these data sets.",
    )  # fmt: skip


def _mark(data: str, one: Row) -> Mark:
    found = interval(one["difference"])
    return Mark(str(one["level"]), data or ALL, found.value, found.low, found.high)


def _table(source: Source, name: str, caption: str, rows: Sequence[Row]) -> Table:
    return Table(
        name, caption,
        ("metric", "factor", "level", "reference", "mean", "mean of the reference", "difference, these data sets",
         "data sets like these (t)", "data sets like these (bootstrap)", "p", "p (Holm)", "units", "planned as"),
        tuple((source.label(one["metric"]), str(one["factor"]), str(one["level"]), str(one["reference"]),
               interval({"value": one["mean"]}).value, interval({"value": one["reference_mean"]}).value,
               interval(one["difference"], signed=True), interval(one["across_t"], signed=True),
               interval(one["across"], signed=True), probability(one["p"]), probability(one["p_adjusted"]),
               int(one["units"]), str(one.get("planned") or "exploratory")) for one in rows), labels=3,
    )  # fmt: skip


def _without_model(source: Source) -> Iterator[Block]:
    improvement = {(one["metric"], one["factor"], one["level"]): one
                   for one in source.rows("comparisons", "improvement")}  # fmt: skip
    middle = source.rows("comparisons", "iqm")
    if middle:
        rows = []
        for one in middle:
            better = improvement.get((one["metric"], one["factor"], one["level"]))
            rows.append((source.label(one["metric"]), str(one["factor"]), str(one["level"]), interval(one["iqm"]),
                         interval(better["probability"]) if better else "reference"))  # fmt: skip
        yield Folded(Table("comparisons", "Without a model: interquartile mean, and probability of improvement",
                           ("metric", "factor", "level", "interquartile mean", "P(better than the reference)"),
                           tuple(rows), labels=3))  # fmt: skip
    ranks = source.rows("comparisons", "ranks")
    if ranks:
        yield Folded(Table("ranks", "Mean ranks over data sets",
                           ("metric", "factor", "level", "mean rank", "p (Friedman)", "cannot be told from"),
                           tuple((source.label(one["metric"]), str(one["factor"]), str(one["level"]),
                                  float(one["rank"]), probability(one["friedman_p"]),
                                  ", ".join(one["indistinct"]) or "–") for one in ranks), labels=3))  # fmt: skip
