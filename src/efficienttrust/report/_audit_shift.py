"""Accuracy by environment, and how far it drops from the reference."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from efficienttrust.report._audit_read import measured, optional, with_reason
from efficienttrust.report._figures import Cell, Figure, Table, dot_panel, reading
from efficienttrust.report._format import as_float, shorten
from efficienttrust.report._groups import SMALL_GROUP
from efficienttrust.report._read import Document, Estimate, TargetText, count_text, part, rows

_NO_DROP = TargetText("", "", "no drop", 0.0)


@dataclass(frozen=True)
class Environment:
    """One environment; `n` is 0 where `rows` are withheld, `worst` None without groups, `home` where it was trained."""

    name: str
    n: int
    rows: str
    accuracy: Estimate
    drop: Estimate
    worst: Estimate | None
    home: str

    @property
    def mark(self) -> str:
        """Return the mark of its dots: open where there are too few rows to conclude from."""
        return "small" if self.n < SMALL_GROUP else "hard"


def shift_figure(document: Document) -> Figure | None:
    """Draw accuracy, drop and worst group, one panel each; None where no column named environments."""
    shift = part(document, "shift")
    listed = [
        Environment(
            name=str(row.get("name") or "–"),
            n=int(n) if math.isfinite(n := as_float(row.get("n"))) else 0,
            rows=count_text(row.get("n") or 0),
            accuracy=measured(row.get("accuracy")),
            drop=measured(row.get("drop")),
            worst=optional(row.get("worst_group")),
            home={True: "yes", False: "no"}.get(row.get("trained_on"), ""),  # type: ignore[call-overload]
        )
        for row in rows(shift, "environments")
    ]
    if not listed:
        return None
    column = str(shift.get("column") or "environment")
    panels = [
        dot_panel("accuracy", [(one.name, one.mark, one.accuracy) for one in listed]),
        dot_panel("drop", [(one.name, one.mark, one.drop) for one in listed], target=_NO_DROP),
    ]
    if any(one.worst is not None for one in listed):
        absent = measured(None)
        panels.append(
            dot_panel("accuracy of the worst group", [(one.name, one.mark, one.worst or absent) for one in listed])
        )
    finding = _finding(listed, column)
    small = sum(one.n < SMALL_GROUP for one in listed)
    return Figure(
        name="shift",
        finding=finding,
        alt=f"Dot plot with 95 % intervals of accuracy and its drop in {len(listed)} environments. {finding}",
        table=_table(listed, column),
        panels=panels,
        note=" ".join(filter(None, (_lowest(document), _definition(shift), _small(small, len(listed))))),
        meaning=_meaning(listed),
    )


def _finding(listed: Sequence[Environment], column: str) -> str:
    usable = [one for one in listed if one.drop.known and one.n >= SMALL_GROUP]
    if not usable:
        return f"No drop was estimated in the {len(listed)} environments of {column}."
    furthest = max(usable, key=lambda one: one.drop.value)
    text = f"Of {len(listed)} environments of {column}, accuracy drops most in {shorten(furthest.name)}"
    return f"{text}: by {furthest.drop.text()}, to {furthest.accuracy.text()}."


def _lowest(document: Document) -> str:
    """State the lowest accuracy with the interval that allows for its being picked, where it was computed."""
    shift = part(document, "shift")
    lowest = optional(shift.get("worst_accuracy"))
    if lowest is None or not lowest.known:
        return ""
    name = shorten(str(shift.get("worst") or "one environment"))
    return f"Lowest accuracy: {lowest.text()} in {name}; this interval allows for its being the lowest of all."


def _definition(shift: Mapping[str, object]) -> str:
    """Say what a drop is measured from, in the words of the audit."""
    said = (str(part(row, "drop").get("definition") or "") for row in rows(shift, "environments"))
    return next((f"Drop: {text}" for text in said if text), "")


def _small(small: int, total: int) -> str:
    if not small:
        return ""
    return f"Open marks: {small} of {total} environments with fewer than {SMALL_GROUP} rows, left out of the finding."


def _meaning(listed: Sequence[Environment]) -> str:
    bounded = [one for one in listed if one.drop.known and one.drop.bounded]
    if not bounded:
        return ""
    lost = sum(one.drop.low > 0 for one in bounded)
    return (
        f"In {lost} of {len(bounded)} environments the interval of the drop lies above 0, so there accuracy is lower "
        "than in the reference; in the others these rows do not show it."
    )


def _table(listed: Sequence[Environment], column: str) -> Table:
    known = any(one.home for one in listed)
    body: list[list[Cell]] = [
        [
            one.name,
            one.rows,
            *([one.home or "–"] if known else []),
            reading(one.accuracy) if one.accuracy.known else with_reason(one.accuracy),
            reading(one.drop) if one.drop.known else with_reason(one.drop),
            reading(one.worst) if one.worst is not None else "–",
        ]
        for one in listed
    ]
    columns = [column, "rows", *(["trained on"] if known else []), "accuracy", "drop", "worst group"]
    return Table("Accuracy by environment, with 95 % intervals", columns, body)
