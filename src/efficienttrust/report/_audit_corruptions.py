"""The heat map of accuracy under corruption: a table of numbers, tinted the deeper the more accuracy is lost."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from efficienttrust.report._audit_read import NOT_ESTIMATED, measured, of_hundred, optional, tidy, with_reason
from efficienttrust.report._figures import Table, reading
from efficienttrust.report._format import as_float, count, number, words
from efficienttrust.report._read import Document, Estimate, part, rows, texts

DEEPEST = 45
"""Share of the tint in the deepest cell, in percent: text on it keeps a contrast of 4.5:1 in both schemes."""

LEAST_SPAN = 0.1
"""A loss of this much accuracy is at least needed for the deepest tint, so that small losses look small."""


@dataclass(frozen=True)
class Corrupted:
    """Accuracy under one corruption at one severity."""

    name: str
    severity: str
    accuracy: Estimate
    worst: Estimate | None
    gap: Estimate | None


Pick = Callable[[Corrupted], Estimate | None]


@dataclass(frozen=True)
class HeatCell:
    """One cell: the figure in it and how deep its tint is, in percent; `words` describes it in full."""

    text: str
    tint: int
    words: str
    extreme: bool = False


@dataclass(frozen=True)
class HeatRow:
    """One corruption over all severities, with the lowest accuracy of a worst group."""

    name: str
    cells: Sequence[HeatCell]
    worst: str = ""
    marked: bool = False


@dataclass(frozen=True)
class HeatMap:
    """Rows of one severity scale; `scale` holds the untinted and the deepest value of the legend."""

    caption: str
    severities: Sequence[str]
    rows: Sequence[HeatRow]
    with_worst: bool = False


@dataclass(frozen=True)
class Corruptions:
    """The section on corruptions: sentences, the heat map of all rows and of the worst group, and the numbers."""

    finding: str
    meaning: str
    legend: Sequence[tuple[int, str]]
    maps: Sequence[HeatMap]
    worst_maps: Sequence[HeatMap]
    summaries: Sequence[tuple[str, str, str]]
    table: Table
    notes: Sequence[str]


def corruption_section(document: Document) -> Corruptions | None:
    """Lay out the section; None where nothing was corrupted."""
    corruptions = part(document, "corruptions")
    listed = [_read(row) for row in rows(corruptions, "rows")]
    if not listed:
        return None
    clean = measured(corruptions.get("clean"))
    known = [one.accuracy.value for one in listed if one.accuracy.known]
    worst = [one.worst.value for one in listed if one.worst is not None and one.worst.known]
    top = clean.value if clean.known else max(known, default=1.0)
    span = max([LEAST_SPAN, *(top - value for value in (*known, *worst))])
    return Corruptions(
        finding=_finding(listed, clean),
        meaning=_meaning(listed, clean),
        legend=_legend(top, span),
        maps=_maps(listed, top, span, lambda one: one.accuracy, "Accuracy", with_worst=bool(worst)),
        worst_maps=_maps(listed, top, span, lambda one: one.worst, "Accuracy of the worst group") if worst else [],
        summaries=_summaries(corruptions),
        table=_table(listed),
        notes=texts(corruptions, "notes"),
    )


def _read(row: Mapping[str, object]) -> Corrupted:
    return Corrupted(
        name=str(row.get("name") or "–"),
        severity=tidy(row.get("severity")),
        accuracy=measured(row.get("accuracy")),
        worst=optional(row.get("worst_group")),
        gap=optional(row.get("gap")),
    )


def _maps(
    listed: Sequence[Corrupted], top: float, span: float, pick: Pick, caption: str, *, with_worst: bool = False
) -> list[HeatMap]:
    """Return one map per scale of severities, since a severity of 5 and one of 50 % share no column."""
    names: dict[str, dict[str, Corrupted]] = {}
    for one in listed:
        names.setdefault(one.name, {})[one.severity] = one
    scales: dict[tuple[str, ...], list[str]] = {}
    for name, found in names.items():
        scales.setdefault(tuple(sorted(found, key=_place)), []).append(name)
    lowest = _least(pick(one) for one in listed)
    weakest = _least(one.worst for one in listed)
    maps = []
    for severities, members in scales.items():
        heat_rows = []
        for name in members:
            across = [names[name][severity] for severity in severities]
            cells = [_cell(one, pick(one), top, span, lowest) for one in across]
            worst, value = _worst(across) if with_worst else ("", math.nan)
            heat_rows.append(HeatRow(words(name), cells, worst, with_worst and value == weakest))
        maps.append(HeatMap(caption, severities, heat_rows, with_worst))
    return maps


def _cell(one: Corrupted, estimate: Estimate | None, top: float, span: float, lowest: float) -> HeatCell:
    setting = f"{words(one.name)}, severity {one.severity}"
    if estimate is None:
        return HeatCell("–", 0, f"{setting}: not measured")
    tint = round(DEEPEST * min(1.0, max(0.0, (top - estimate.value) / span))) if estimate.known else 0
    text = number(estimate.value) if estimate.known else NOT_ESTIMATED
    return HeatCell(text, tint, f"{setting}: {with_reason(estimate)}", estimate.known and estimate.value == lowest)


def _worst(listed: Sequence[Corrupted]) -> tuple[str, float]:
    known = [(one.worst.value, one.severity) for one in listed if one.worst is not None and one.worst.known]
    if not known:
        return "–", math.nan
    value, severity = min(known)
    return f"{number(value)} at {severity}", value


def _legend(top: float, span: float) -> list[tuple[int, str]]:
    return [(round(DEEPEST * step / 4), number(top - span * step / 4)) for step in range(5)]


def _summaries(corruptions: Mapping[str, object]) -> list[tuple[str, str, str]]:
    """Return name, value and definition of the two summary errors where they were computed."""
    found = []
    for key, title in (("mean_corruption_error", "mean corruption error"), ("relative_mce", "relative mCE")):
        raw = corruptions.get(key)
        if isinstance(raw, Mapping):
            found.append((title, with_reason(measured(raw)), str(raw.get("definition") or "")))
    return found


def _finding(listed: Sequence[Corrupted], clean: Estimate) -> str:
    usable = [one for one in listed if one.accuracy.known]
    kinds = len({one.name for one in listed})
    if not usable:
        return f"Accuracy under {kinds} corruptions was not estimated."
    hardest = min(usable, key=lambda one: one.accuracy.value)
    base = f"Clean accuracy is {clean.text()}; under" if clean.known else "Under"
    text = f"{base} {kinds} corruption{'s' * (kinds != 1)} it is lowest for {words(hardest.name)}"
    if not clean.known:
        text = text.replace(" it is lowest", " accuracy is lowest")
    text += f" at severity {hardest.severity}: {hardest.accuracy.text()}"
    worst = [(one.worst, one) for one in listed if one.worst is not None and one.worst.known]
    if worst:
        value, weakest = min(worst, key=lambda pair: pair[0].value)
        text += f". The worst group is lowest under {words(weakest.name)} at severity {weakest.severity}"
        text += f": {value.text()}"
    return f"{text}."


def _meaning(listed: Sequence[Corrupted], clean: Estimate) -> str:
    usable = [one.accuracy for one in listed if one.accuracy.known]
    if not usable:
        return ""
    mean = sum(estimate.value for estimate in usable) / len(usable)
    text = f"Over all corruptions and severities about {of_hundred(mean)} of 100 rows are decided as labelled"
    text += f", against {of_hundred(clean.value)} on clean rows" if clean.known else ""
    below = sum(estimate.high < clean.low for estimate in usable if estimate.bounded and clean.bounded)
    if clean.bounded:
        text += f"; in {below} of {len(usable)} cells the interval lies wholly below the clean one"
    return f"{text}."


def _table(listed: Sequence[Corrupted]) -> Table:
    body = [
        [
            words(one.name),
            one.severity,
            count(one.accuracy.n) if one.accuracy.n else "–",
            reading(one.accuracy) if one.accuracy.known else with_reason(one.accuracy),
            reading(one.worst) if one.worst is not None else "–",
            reading(one.gap) if one.gap is not None else "–",
        ]
        for one in listed
    ]
    columns = ["corruption", "severity", "rows", "accuracy", "worst group", "gap between groups"]
    return Table("Accuracy under corruption, with 95 % intervals", columns, body)


def _least(estimates: Iterable[Estimate | None]) -> float:
    known = [one.value for one in estimates if one is not None and one.known]
    return min(known, default=math.nan)


def _place(severity: str) -> tuple[float, str]:
    value = as_float(severity)
    return (value if math.isfinite(value) else math.inf, severity)
