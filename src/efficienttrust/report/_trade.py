"""What was traded for what: the same test rows before training, before calibration and as deployed."""

from __future__ import annotations

import math
from collections.abc import Mapping

from efficienttrust.report._figures import Figure, LegendItem, Table, dot_panel, reading
from efficienttrust.report._format import number, signed
from efficienttrust.report._read import Document, Estimate, part, read_estimate, read_targets, rows

_MARKS = ("start", "hard", "calibrated")


def trade_figure(document: Document) -> Figure | None:
    """Draw every metric of the stages, one panel per metric; None where no stages were recorded."""
    stages = [(str(row.get("name", "")), _metrics(row)) for row in rows(document, "stages")]
    keys = list(dict.fromkeys(key for _, metrics in stages for key in metrics))
    if not keys:
        return None
    targets = read_targets(document)
    missing = Estimate(math.nan)
    marks = (
        [*_MARKS[: len(stages) - 1], "deployed"] if len(stages) <= 4 else ["hard"] * (len(stages) - 1) + ["deployed"]
    )
    panels = []
    for key in keys:
        estimates = [
            (name, mark, metrics.get(key, missing)) for (name, metrics), mark in zip(stages, marks, strict=True)
        ]
        panels.append(dot_panel(key, estimates, target=targets.get(key)))
    finding = _finding(stages, keys)
    body = []
    for row, (name, metrics) in zip(rows(document, "stages"), stages, strict=True):
        cells = [reading(metrics.get(key, missing), targets[key].bound if key in targets else math.nan) for key in keys]
        body.append([f"{name}: {row['description']}" if row.get("description") else name, *cells])
    legend = [LegendItem("target", "target")] if any(key in targets for key in keys) else []
    return Figure(
        name="trade",
        finding=finding,
        alt=f"Dot plot with 95 % intervals of {len(keys)} metrics at {len(stages)} stages. {finding}",
        table=Table("Stages on the same test rows, 95 % intervals", ["stage", *keys], body),
        legend=legend,
        panels=panels,
    )


def _metrics(row: Mapping[str, object]) -> dict[str, Estimate]:
    return {str(key): read_estimate(raw) for key, raw in part(row, "metrics").items()}


def _finding(stages: list[tuple[str, dict[str, Estimate]]], keys: list[str]) -> str:
    (before, old), (after, new) = (stages[-2], stages[-1]) if len(stages) > 1 else (stages[0], stages[0])
    parts = []
    for key in keys:
        a, b = old.get(key, Estimate(math.nan)), new.get(key, Estimate(math.nan))
        if a.known and b.known:
            parts.append(f"{key} {number(a.value)} → {number(b.value)} ({signed(b.value - a.value)})")
    if not parts:
        return "No metric could be estimated at two stages."
    return f"From “{before}” to “{after}”: {'; '.join(parts)}."
