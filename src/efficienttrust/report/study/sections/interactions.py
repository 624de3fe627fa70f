"""Two factors at once: cell means as pictures, and the analysis of variance."""

from __future__ import annotations

import math
from collections.abc import Iterator

from efficienttrust.report._format import as_float, number, shorten
from efficienttrust.report._palette import Style
from efficienttrust.report.study._cells import interval, probability
from efficienttrust.report.study._content import Block, Figure, Folded, Mark, Panel, Part, Table
from efficienttrust.report.study._source import Row, Source
from efficienttrust.report.study.sections._common import remarks, slug

_SERIES_FIRST = ("mitigation", "model")


def interactions_part(source: Source) -> Part:
    """Return pictures of cell means by metric, and the table of the analysis of variance."""
    blocks: list[Block] = []
    for metric in source.headline:
        blocks += _means(source, metric)
    terms = [one for one in source.rows("anova", "terms") if one["metric"] in source.headline]
    if terms:
        for kind in ("II", "III"):
            own = [one for one in terms if one["kind"] == kind]
            table = _table(source, own, f"anova-type-{kind}", f"Analysis of variance, type {kind} sums of squares")
            if own:
                blocks.append(table if kind == "II" else Folded(table))
    return Part("interactions", "Interactions and analysis of variance", (*blocks, *remarks(source, "anova")),
                "exploratory")  # fmt: skip


def _means(source: Source, metric: str) -> Iterator[Figure]:
    rows = [one for one in source.rows("anova", "means") if one["metric"] == metric]
    pairs = list(dict.fromkeys(tuple(one["factors"]) for one in rows))
    panels: list[Panel] = []
    styles: dict[str, Style] = {}
    for pair in pairs:
        series = next((name for name in _SERIES_FIRST if name in pair), pair[1])
        other = pair[0] if series == pair[1] else pair[1]
        marks = []
        for one in rows:
            if tuple(one["factors"]) == pair:
                levels = dict(zip(one["factors"], one["levels"], strict=True))
                mean = interval(one["mean"])
                marks.append(Mark(levels[series], levels[other], mean.value, mean.low, mean.high, joined=True))
        used = {mark.series for mark in marks}
        styles |= {name: style for name, style in source.styles(series).items() if name in used}
        panels.append(Panel(f"{other} × {series}", other, shorten(source.label(metric), 44), tuple(marks),
                            source.levels[other]))  # fmt: skip
    if not panels:
        return
    yield Figure(
        name=f"interactions-{slug(source.label(metric))}",
        title=f"{source.label(metric)}: means where two factors meet",
        finding=_finding(source, metric),
        kind="lines",
        panels=tuple(panels),
        styles=styles,
        table=Table(
            f"interactions-{slug(source.label(metric))}", f"Cell means of {source.label(metric)}",
            ("factors", "levels", "mean", "units"),
            tuple((" × ".join(one["factors"]), ", ".join(one["levels"]), interval(one["mean"]), int(one["units"]))
                  for one in rows), labels=2,
        ),
        note=f"Bars are {source.level} intervals. Lines that are not parallel are an interaction; the table of the "
        "analysis of variance says whether it is more than noise.",
    )  # fmt: skip


def _finding(source: Source, metric: str) -> str:
    """Say which interaction explains most, from type II."""
    terms = [one for one in source.rows("anova", "terms")
             if one["metric"] == metric and one["kind"] == "II" and " × " in one["term"]]  # fmt: skip
    known = [one for one in terms if math.isfinite(as_float(one["omega2"]["value"]))]
    if not known:
        return f"No interaction of {source.label(metric)} could be tested; the means are shown."
    most = max(known, key=lambda one: as_float(one["omega2"]["value"]))
    p = as_float(most["p_units"])
    sure = sum(as_float(one["p_units"]) < 0.05 for one in known)
    return (
        f"{sure} of {len(known)} interactions of {source.label(metric)} have p < 0.05 over units, not adjusted; the "
        f"largest is {most['term']}: partial ω² {number(as_float(most['omega2']['value']))}, "
        f"p {'not estimable' if math.isnan(p) else '< 0.001' if p < 0.001 else f'= {p:.3f}'}."
    )


def _table(source: Source, terms: list[Row], name: str, caption: str) -> Table:
    return Table(
        name, caption,
        ("metric", "term", "type", "df", "F over units", "p over units", "p across data sets", "partial ω²",
         "partial η²", "F, all trials", "p (HC3)"),
        tuple((source.label(one["metric"]), str(one["term"]), str(one["kind"]), int(one["df"]),
               as_float(one["f_units"]), probability(one["p_units"]), probability(one["p_across"]),
               interval(one["omega2"]), interval(one["eta2"]), as_float(one["f"]), probability(one["p_hc3"]))
              for one in terms), labels=3,
        note="Read the p over units; the F over all trials takes trials of one unit as independent.",
    )  # fmt: skip
