"""Accuracy by environment, and how far it drops from the reference; of numbers the error, and how far it rises."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from efficienttrust.report._audit_read import measured, optional, with_reason
from efficienttrust.report._figures import Cell, Figure, Table, dot_panel, reading
from efficienttrust.report._format import as_float, shorten
from efficienttrust.report._groups import SMALL_GROUP
from efficienttrust.report._read import Document, Estimate, TargetText, count_text, part, rows


@dataclass(frozen=True)
class _Words:
    """What a shift is told in: keys of the document, and how a reader says them."""

    level: str
    change: str
    worst: str
    name: str
    extreme: str
    worse: str


_DECISIONS = _Words("accuracy", "drop", "worst_accuracy", "accuracy", "Lowest", "lower")
_NUMBERS = _Words("error", "rise", "worst_error", "mean absolute error", "Highest", "higher")


@dataclass(frozen=True)
class Environment:
    """One environment; `n` is 0 where `rows` are withheld, `worst` None without groups, `home` where it was trained."""

    name: str
    n: int
    rows: str
    level: Estimate
    change: Estimate
    worst: Estimate | None
    home: str

    @property
    def mark(self) -> str:
        """Return the mark of its dots: open where there are too few rows to conclude from."""
        return "small" if self.n < SMALL_GROUP else "hard"


def shift_figure(document: Document) -> Figure | None:
    """Draw accuracy, drop and worst group (of numbers error and rise), a panel each; None without environments."""
    shift = part(document, "shift")
    said = _NUMBERS if any("rise" in row for row in rows(shift, "environments")) else _DECISIONS
    listed = [
        Environment(
            name=str(row.get("name") or "–"),
            n=int(n) if math.isfinite(n := as_float(row.get("n"))) else 0,
            rows=count_text(row.get("n") or 0),
            level=measured(row.get(said.level)),
            change=measured(row.get(said.change)),
            worst=optional(row.get("worst_group")),
            home={True: "yes", False: "no"}.get(row.get("trained_on"), ""),  # type: ignore[call-overload]
        )
        for row in rows(shift, "environments")
    ]
    if not listed:
        return None
    column = str(shift.get("column") or "environment")
    panels = [
        dot_panel(said.name, [(one.name, one.mark, one.level) for one in listed]),
        dot_panel(
            said.change,
            [(one.name, one.mark, one.change) for one in listed],
            target=TargetText("", "", f"no {said.change}", 0.0),
        ),
    ]
    if any(one.worst is not None for one in listed):
        absent = measured(None)
        panels.append(
            dot_panel(f"{said.name} of the worst group", [(one.name, one.mark, one.worst or absent) for one in listed])
        )
    finding = _finding(listed, column, said)
    small = sum(one.n < SMALL_GROUP for one in listed)
    return Figure(
        name="shift",
        finding=finding,
        alt=f"Dot plot with 95 % intervals of {said.name} and its {said.change} in {len(listed)} environments. "
        f"{finding}",
        table=_table(listed, column, said),
        panels=panels,
        note=" ".join(filter(None, (_worst(document, said), _definition(shift, said), _small(small, len(listed))))),
        meaning=_meaning(listed, said),
    )


def _finding(listed: Sequence[Environment], column: str, said: _Words) -> str:
    usable = [one for one in listed if one.change.known and one.n >= SMALL_GROUP]
    if not usable:
        return f"No {said.change} was estimated in the {len(listed)} environments of {column}."
    furthest = max(usable, key=lambda one: one.change.value)
    text = f"Of {len(listed)} environments of {column}, {said.name} {said.change}s most in {shorten(furthest.name)}"
    return f"{text}: by {furthest.change.text()}, to {furthest.level.text()}."


def _worst(document: Document, said: _Words) -> str:
    """State the worst figure with the interval that allows for its being picked, where it was computed."""
    shift = part(document, "shift")
    worst = optional(shift.get(said.worst))
    if worst is None or not worst.known:
        return ""
    name = shorten(str(shift.get("worst") or "one environment"))
    picked = f"this interval allows for its being the {said.extreme.lower()} of all."
    return f"{said.extreme} {said.name}: {worst.text()} in {name}; {picked}"


def _definition(shift: Mapping[str, object], said: _Words) -> str:
    """Say what a change is measured from, in the words of the audit."""
    told = (str(part(row, said.change).get("definition") or "") for row in rows(shift, "environments"))
    return next((f"{said.change.capitalize()}: {text}" for text in told if text), "")


def _small(small: int, total: int) -> str:
    if not small:
        return ""
    return f"Open marks: {small} of {total} environments with fewer than {SMALL_GROUP} rows, left out of the finding."


def _meaning(listed: Sequence[Environment], said: _Words) -> str:
    bounded = [one for one in listed if one.change.known and one.change.bounded]
    if not bounded:
        return ""
    lost = sum(one.change.low > 0 for one in bounded)
    return (
        f"In {lost} of {len(bounded)} environments the interval of the {said.change} lies above 0, so there "
        f"{said.name} is {said.worse} than in the reference; in the others these rows do not show it."
    )


def _table(listed: Sequence[Environment], column: str, said: _Words) -> Table:
    known = any(one.home for one in listed)
    body: list[list[Cell]] = [
        [
            one.name,
            one.rows,
            *([one.home or "–"] if known else []),
            reading(one.level) if one.level.known else with_reason(one.level),
            reading(one.change) if one.change.known else with_reason(one.change),
            reading(one.worst) if one.worst is not None else "–",
        ]
        for one in listed
    ]
    columns = [column, "rows", *(["trained on"] if known else []), said.name, said.change, "worst group"]
    return Table(f"{said.name.capitalize()} by environment, with 95 % intervals", columns, body)
