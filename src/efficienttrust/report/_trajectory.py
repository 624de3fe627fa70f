"""The trajectory: metrics, dials and the cost of a step over the share of the budget that was spent."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from efficienttrust.report._figures import Figure, LegendItem, LinePanel, Series, Table
from efficienttrust.report._format import NOT_ESTIMABLE, as_float, count, number, percent
from efficienttrust.report._read import Document, Estimate, TargetText, part, read_estimate, read_targets, read_verdicts
from efficienttrust.report._scale import Scale, Tick, scale_over

if TYPE_CHECKING:
    import pandas as pd

CALIBRATED = " (calibrated)"
MOST_POINTS = 300
MOST_TABLE_ROWS = 120


@dataclass(frozen=True)
class _Quantity:
    title: str
    columns: tuple[tuple[str, str], ...]
    target: TargetText | None = None
    final: Estimate | None = None
    factor: float = 1.0
    stepped: bool = False


def trajectory_figure(document: Document, history: pd.DataFrame) -> Figure | None:
    """Draw the history over the share of the budget spent; None where nothing was recorded."""
    if len(history) == 0:
        return None
    columns = {str(name): [as_float(cell) for cell in history[name]] for name in history.columns}
    columns = {name: cells for name, cells in columns.items() if any(map(math.isfinite, cells))}
    spent = _spent(columns, len(history))
    keep = _thin(len(history), MOST_POINTS)
    columns = {name: [cells[index] for index in keep] for name, cells in columns.items()}
    spent = [spent[index] for index in keep]
    quantities = _quantities(document, columns)
    if not quantities:
        return None
    spent = [100 * share for share in spent]
    x_scale = Scale(0.0, max([100.0, *filter(math.isfinite, spent)]), 25.0)
    finding = _finding(columns, quantities)
    return Figure(
        name="trajectory",
        finding=finding,
        alt=f"Line chart of {len(quantities)} quantities over the share of the budget spent. {finding} "
        f"First to last: {'; '.join(_ends(columns, quantities))}.",
        table=_table(quantities, columns, spent),
        legend=_legend(quantities),
        panels=[_panel(quantity, columns, spent, x_scale) for quantity in quantities],
    )


def _quantities(document: Document, columns: Mapping[str, Sequence[float]]) -> list[_Quantity]:
    final = {verdict.target.key: verdict.estimate for verdict in read_verdicts(document)}
    measured = part(document, "metrics")
    targets = read_targets(document)
    outcomes = dict.fromkeys(
        ["accuracy", "r2", *targets, *(n.removesuffix(CALIBRATED) for n in columns if n.endswith(CALIBRATED))]
    )
    found = []
    for key in outcomes:
        lines = tuple(
            (name, mark) for name, mark in ((key, "hard"), (key + CALIBRATED, "calibrated")) if name in columns
        )
        if lines:
            found.append(_Quantity(key, lines, targets.get(key), final.get(key) or read_estimate(measured.get(key))))
    clock = str(part(part(document, "ledger"), "time").get("clock", "wall"))
    unit, factor = (f"ms {clock}", 1000.0) if clock in ("wall", "cpu") else (clock, 1.0)
    for name, title, scaled in (
        ("lambda_fair", "weight of the fairness term, lambda_fair", 1.0),
        ("adversarial_share", "adversarial share of the batch", 1.0),
        ("cost_step", f"cost of one step, {unit}", factor),
    ):
        if name in columns:
            found.append(_Quantity(title, ((name, "dial"),), factor=scaled, stepped=name != "cost_step"))
    return found


def _panel(quantity: _Quantity, columns: Mapping[str, Sequence[float]], spent: Sequence[float], x: Scale) -> LinePanel:
    lines = {name: [value * quantity.factor for value in columns[name]] for name, _ in quantity.columns}
    bound = quantity.target.bound if quantity.target else math.nan
    final = quantity.final or Estimate(math.nan)
    values = [value for cells in lines.values() for value in cells]
    y = scale_over([*values, bound, final.value, final.low, final.high], ticks=5, floor=0.0)
    line = 100 - y.at(bound) if math.isfinite(bound) else None
    zone = None
    if line is not None and quantity.target is not None:
        zone = (0.0, line) if quantity.target.relation == "≥" else (line, 100 - line)
    return LinePanel(
        title=quantity.title,
        series=[_series(mark, spent, lines[name], x, y, stepped=quantity.stepped) for name, mark in quantity.columns],
        x_ticks=[
            Tick(tick.at, f"{tick.text} %" if tick.text == "100" else tick.text, tick.anchor) for tick in x.ticks()
        ],
        y_ticks=[Tick(round(100 - tick.at, 2), tick.text) for tick in y.ticks()],
        line=line,
        line_text=f"target {quantity.target.wording}" if quantity.target else "",
        zone=zone,
        end=_end(final, y) if final.known else None,
    )


def _end(final: Estimate, y: Scale) -> tuple[float, float | None, float | None]:
    low, high = (100 - y.at(final.low), 100 - y.at(final.high)) if final.bounded else (None, None)
    return 100 - y.at(final.value), low, high


def _series(mark: str, spent: Sequence[float], values: Sequence[float], x: Scale, y: Scale, *, stepped: bool) -> Series:
    pieces: list[list[tuple[float, float]]] = [[]]
    marks = []
    for at, value in zip(spent, values, strict=True):
        if not (math.isfinite(at) and math.isfinite(value)):
            pieces.append([])
            continue
        point = (x.at(at), round(100 - y.at(value), 2))
        if stepped and pieces[-1]:
            pieces[-1].append((point[0], pieces[-1][-1][1]))
        pieces[-1].append(point)
        marks.append(point)
    lines = [" ".join(f"{a:g},{b:g}" for a, b in piece) for piece in pieces if len(piece) > 1]
    return Series(mark, lines, marks if len(marks) <= 60 else marks[-1:])


def _spent(columns: Mapping[str, Sequence[float]], length: int) -> list[float]:
    if "progress" in columns:
        return list(columns["progress"])
    steps = columns.get("step") or list(map(float, range(1, length + 1)))
    last = max((step for step in steps if math.isfinite(step)), default=1.0) or 1.0
    return [step / last for step in steps]


def _thin(length: int, most: int) -> list[int]:
    if length <= most:
        return list(range(length))
    return sorted({round(index * (length - 1) / (most - 1)) for index in range(most)})


def _legend(quantities: Sequence[_Quantity]) -> list[LegendItem]:
    marks = {mark for quantity in quantities for _, mark in quantity.columns}
    items = []
    if "hard" in marks:
        items.append(LegendItem("hard", "monitor rows, as trained"))
    if "calibrated" in marks:
        items.append(LegendItem("calibrated", "monitor rows, after virtual calibration"))
    if any(quantity.final and quantity.final.known for quantity in quantities):
        items.append(LegendItem("deployed", "test rows, exported file, with 95 % interval"))
    if any(quantity.target for quantity in quantities):
        items.append(LegendItem("target", "target, admissible side shaded"))
    if "dial" in marks:
        items.append(LegendItem("dial", "dial or cost"))
    return items


def _ends(columns: Mapping[str, Sequence[float]], quantities: Sequence[_Quantity]) -> list[str]:
    """Return the first and the last value of every line, in words."""
    found = []
    for quantity in quantities:
        for name, mark in quantity.columns:
            known = [value * quantity.factor for value in columns[name] if math.isfinite(value)]
            words = f"{quantity.title}{' after virtual calibration' if mark == 'calibrated' else ''}"
            if known:
                found.append(f"{words} from {number(known[0])} to {number(known[-1])}{_wanted(quantity)}")
    return found


def _finding(columns: Mapping[str, Sequence[float]], quantities: Sequence[_Quantity]) -> str:
    """Say where the outcomes stood at the last monitor point, as they would be deployed where that is known."""
    parts = []
    for quantity in quantities:
        name, mark = quantity.columns[-1]
        known = [value for value in columns[name] if math.isfinite(value)]
        if mark == "dial" or not known:
            continue
        trained = [value for value in columns[quantity.columns[0][0]] if math.isfinite(value)]
        before = f" (as trained {number(trained[-1])})" if mark == "calibrated" and trained else ""
        near = quantity.target.bound if quantity.target else math.nan
        wanted = f", target {quantity.target.wording}" if quantity.target and quantity.target.wording else ""
        parts.append(f"{quantity.title} {number(known[-1], near=near)}{before}{wanted}")
    if not parts:
        return "No outcome was monitored while training."
    return f"At the last monitor point: {'; '.join(parts)}."


def _wanted(quantity: _Quantity) -> str:
    return f" (target {quantity.target.wording})" if quantity.target and quantity.target.wording else ""


def _table(quantities: Sequence[_Quantity], columns: Mapping[str, Sequence[float]], spent: Sequence[float]) -> Table:
    shown = [(name, quantity.factor) for quantity in quantities for name, _ in quantity.columns]
    titles = [quantity.title if mark == "dial" else name for quantity in quantities for name, mark in quantity.columns]
    kept = _thin(len(spent), MOST_TABLE_ROWS)
    body = []
    for index in kept:
        step = columns["step"][index] if "step" in columns else math.nan
        cells = [number(columns[name][index] * factor) for name, factor in shown]
        body.append(
            [count(step), percent(spent[index] / 100), *("–" if cell == NOT_ESTIMABLE else cell for cell in cells)]
        )
    note = (
        f"{len(kept)} evenly spaced points of {len(spent)}; all are in history.parquet."
        if len(kept) < len(spent)
        else ""
    )
    return Table("Monitor points", ["step", "budget spent", *titles], body, labels=1, note=note)
