"""Robust accuracy over the strength of the attack: all rows in green, each group in blue beside them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from efficienttrust.report._audit_read import EpsScale, by_group, group_label, measured, of_hundred, optional
from efficienttrust.report._figures import Cell, Figure, LegendItem, LinePanel, Series, Table, reading
from efficienttrust.report._format import amount, as_float, count, number, percent, shorten
from efficienttrust.report._groups import SMALL_GROUP
from efficienttrust.report._read import Document, Estimate, count_text, part, rows, texts
from efficienttrust.report._scale import Scale, Tick, scale_over

MOST_PANELS = 12
_APART = 13.0  # least distance of two ticks, in percent of the axis


@dataclass(frozen=True)
class Curve:
    """Accuracy under attack by strength, for all rows and for each group; strengths ascend."""

    strengths: Sequence[float]
    overall: Sequence[Estimate]
    groups: Mapping[str, Sequence[Estimate]]
    gaps: Sequence[Estimate | None]
    eps: EpsScale


def read_curve(document: Document) -> Curve | None:
    """Read the curve; None where nothing was attacked."""
    robustness = part(document, "robustness")
    points = [row for row in rows(robustness, "curve") if math.isfinite(as_float(row.get("eps")))]
    points.sort(key=lambda row: as_float(row.get("eps")))
    if not points:
        return None
    listed = [by_group(row.get("by_group")) for row in points]
    attributes = [attribute for groups in listed for attribute, _, _ in groups]
    cells = [
        {group_label(attribute, group, attributes): estimate for attribute, group, estimate in groups}
        for groups in listed
    ]
    names = dict.fromkeys(name for row in cells for name in row)
    strengths = [as_float(row.get("eps")) for row in points]
    absent = measured(None)
    return Curve(
        strengths=strengths,
        overall=[measured(row.get("accuracy")) for row in points],
        groups={name: [row.get(name, absent) for row in cells] for name in names},
        gaps=[optional(row.get("gap")) for row in points],
        eps=EpsScale(str(robustness.get("unit") or ""), strengths),
    )


def curve_figure(document: Document) -> Figure | None:
    """Draw the curve of all rows and of each group on one scale; None where nothing was attacked."""
    curve = read_curve(document)
    if curve is None:
        return None
    last = max(curve.strengths)
    x = Scale(min(0.0, *curve.strengths), last if last > 0 else 1.0, 1.0)
    everything = [*curve.overall, *(estimate for group in curve.groups.values() for estimate in group)]
    y = scale_over(
        [0.0, 1.0, *(v for e in everything for v in (e.value, e.low, e.high))], ticks=4, floor=0.0, ceiling=1.0
    )
    shown = _lowest(curve)
    panels = [_panel(curve, "all rows", [("deployed", curve.overall)], x, y)]
    for name in shown:
        mark = "small" if max(estimate.n for estimate in curve.groups[name]) < SMALL_GROUP else "hard"
        panels.append(_panel(curve, name, [("deployed", curve.overall), (mark, curve.groups[name])], x, y))
    finding = curve_finding(curve)
    return Figure(
        name="robustness",
        finding=finding,
        alt=f"Line chart of accuracy under attack over {len(curve.strengths)} strengths, with 95 % intervals, "
        f"for all rows and {len(shown)} groups. {finding}",
        table=curve_table(curve),
        legend=_legend(curve, shown),
        panels=panels,
        note=f"The {len(shown)} groups of {len(curve.groups)} with the lowest accuracy under attack; the table has all."
        if len(shown) < len(curve.groups)
        else "",
        meaning=_meaning(curve),
    )


def curve_finding(curve: Curve) -> str:
    """State accuracy at the weakest and at every end of the curve, and the lowest group there."""
    known = [(eps, e) for eps, e in zip(curve.strengths, curve.overall, strict=True) if e.known]
    if not known:
        return "Accuracy under attack was not estimated at any strength."
    (first, start), (last, end) = known[0], known[-1]
    text = f"Accuracy under attack is {start.text()} at eps {curve.eps.text(first)}"
    if len(known) > 1:
        text += f" and {end.text()} at eps {curve.eps.text(last)}"
    spread = _spread(curve, curve.strengths.index(last))
    if spread is not None:
        low, high = spread
        text += f"; there it runs from {number(low[1].value)} ({shorten(low[0])})"
        text += f" to {number(high[1].value)} ({shorten(high[0])})"
    return f"{text}."


def curve_table(curve: Curve) -> Table:
    """Return the curve as text, one row per strength, one column per group."""
    gaps = any(gap is not None for gap in curve.gaps)
    body: list[list[Cell]] = []
    for index, eps in enumerate(curve.strengths):
        overall, gap = curve.overall[index], curve.gaps[index]
        row: list[Cell] = [curve.eps.text(eps), count(overall.n) if overall.n else "–", reading(overall)]
        if gaps:
            row.append(reading(gap) if gap is not None else "–")
        body.append([*row, *(reading(estimates[index]) for estimates in curve.groups.values())])
    columns = ["eps", "rows", "all rows", *(["widest gap"] if gaps else []), *curve.groups]
    notes = dict.fromkeys(e.note for e in curve.overall if e.note and not e.known)
    return Table("Accuracy under attack, with 95 % intervals", columns, body, note="; ".join(notes))


def stage_table(document: Document) -> Table | None:
    """Return what each attack of the cascade did, each on the rows that the ones before it had not fooled."""
    body = []
    for row in rows(part(document, "robustness"), "stages"):
        attacked, fooled, seconds = (as_float(row.get(name)) for name in ("attacked", "fooled", "seconds"))
        told = attacked > 0 and math.isfinite(fooled)
        share = count_text(row.get("fooled")) + (f" ({percent(fooled / attacked)})" if told else "")
        taken = amount("time", seconds).removesuffix(" wall") if math.isfinite(seconds) else "–"
        passes = [count(row.get(name)) for name in ("forwards", "backwards")]
        body.append([str(row.get("name") or "–"), count_text(row.get("attacked")), share, *passes, taken])
    columns = ["attack", "rows attacked", "newly fooled", "forward passes", "backward passes", "time"]
    return Table("Attacks, in the order in which they ran", columns, body) if body else None


def attack_caveats(document: Document) -> list[str]:
    """Return what a reader of the curve must know: upper bound or not, how it was obtained, notes."""
    robustness = part(document, "robustness")
    found = []
    if robustness.get("complete") is False:
        found.append(
            "Upper bound: the evaluation stopped before every attack had run, so true accuracy under attack can only "
            "be at or below what is shown."
        )
    if robustness.get("how"):
        found.append(str(robustness["how"]))
    return found + texts(robustness, "notes")


def _meaning(curve: Curve) -> str:
    known = [(eps, e) for eps, e in zip(curve.strengths, curve.overall, strict=True) if e.known]
    if not known:
        return ""
    (first, start), (last, end) = known[0], known[-1]
    tried = f"the attacks tried here, each change at most eps {curve.eps.text(last)}"
    if len(known) == 1 or not start.value > 0:
        return f"Of 100 rows about {of_hundred(end.value)} stay right under {tried}; a stronger attack may fool more."
    kept = min(1.0, max(0.0, end.value / start.value))
    base = "right without an attack" if first == 0 else f"right at eps {curve.eps.text(first)}"
    return (
        f"Of 100 rows that are {base}, about {of_hundred(kept)} stay right under {tried}; "
        "a stronger attack may fool more."
    )


def _spread(curve: Curve, index: int) -> tuple[tuple[str, Estimate], tuple[str, Estimate]] | None:
    usable = [
        (name, estimates[index])
        for name, estimates in curve.groups.items()
        if estimates[index].known and estimates[index].n >= SMALL_GROUP
    ]
    if len(usable) < 2:
        return None
    return min(usable, key=lambda pair: pair[1].value), max(usable, key=lambda pair: pair[1].value)


def _lowest(curve: Curve) -> list[str]:
    """Return the groups to draw: all, or where they are too many those with the lowest mean accuracy."""
    if len(curve.groups) <= MOST_PANELS:
        return list(curve.groups)

    def mean(name: str) -> float:
        known = [estimate.value for estimate in curve.groups[name] if estimate.known]
        return sum(known) / len(known) if known else math.inf

    lowest = set(sorted(curve.groups, key=mean)[:MOST_PANELS])
    return [name for name in curve.groups if name in lowest]


def _panel(curve: Curve, title: str, lines: Sequence[tuple[str, Sequence[Estimate]]], x: Scale, y: Scale) -> LinePanel:
    own = len(lines) - 1
    return LinePanel(
        title=title,
        series=[_series(curve, mark, line, x, y, bare=index < own) for index, (mark, line) in enumerate(lines)],
        x_ticks=_ticks(curve, x),
        y_ticks=[Tick(round(100 - tick.at, 2), tick.text) for tick in y.ticks()],
    )


def _series(curve: Curve, mark: str, line: Sequence[Estimate], x: Scale, y: Scale, *, bare: bool) -> Series:
    pieces: list[list[str]] = [[]]
    marks, whiskers = [], []
    for eps, estimate in zip(curve.strengths, line, strict=True):
        if not estimate.known:
            pieces.append([])
            continue
        across, up = x.at(eps), round(100 - y.at(estimate.value), 2)
        pieces[-1].append(f"{across:g},{up:g}")
        marks.append((across, up))
        if estimate.bounded:
            whiskers.append((across, round(100 - y.at(estimate.low), 2), round(100 - y.at(estimate.high), 2)))
    drawn = [" ".join(piece) for piece in pieces if len(piece) > 1]
    return Series(mark, drawn, [], []) if bare and drawn else Series(mark, drawn, marks, whiskers)


def _ticks(curve: Curve, x: Scale) -> list[Tick]:
    """Return the measured strengths as ticks, leaving out what would overlap; both ends are always named."""
    strengths = sorted(set(curve.strengths))
    kept = [strengths[0]]
    for eps in strengths[1:-1]:
        if x.at(eps) - x.at(kept[-1]) >= _APART and x.at(strengths[-1]) - x.at(eps) >= _APART:
            kept.append(eps)
    kept += strengths[1:][-1:]
    places = [(x.at(eps), curve.eps.tick(eps)) for eps in kept]
    return [Tick(at, text, "start" if at < 4 else "end" if at > 96 else "middle") for at, text in places]


def _legend(curve: Curve, shown: Sequence[str]) -> list[LegendItem]:
    items = [LegendItem("deployed", "all rows, the model as audited")]
    small = [name for name in shown if max(estimate.n for estimate in curve.groups[name]) < SMALL_GROUP]
    if len(small) < len(shown):
        items.append(LegendItem("hard", "one group"))
    if small:
        items.append(LegendItem("small", f"a group of fewer than {SMALL_GROUP} rows"))
    return items
