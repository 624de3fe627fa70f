"""Bars: how much of each limit was used, and which phase used it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from efficienttrust.report._figures import Figure, Table
from efficienttrust.report._format import amount, as_float, percent
from efficienttrust.report._read import Document, part

CLOCKS = ("wall", "cpu", "steps", "samples", "flops")
_AT_LEAST = ("throughput",)
_BUSY = {
    "latency": "measured while the machine was busy, so on the cpu clock",
    "throughput": "measured while the machine was busy: it may be higher on an idle one",
}


@dataclass(frozen=True)
class Bar:
    """One bar: its words, its length in percent of the drawing, and where the limit stands (None: no limit)."""

    label: str
    text: str
    length: float
    limit: float | None = None
    over: bool = False
    remark: str = ""

    @property
    def sentence(self) -> str:
        """Return all its words on one line."""
        return f"{self.label}: {self.text}" + (f"; {self.remark}" if self.remark else "")


def budget_bars(document: Document) -> list[Bar]:
    """Return one bar per resource: what was asked, what was used, by how much it was overrun."""
    found = []
    ledger = part(document, "ledger")
    busy = part(ledger, "latency").get("contended") is True  # throughput is timed right behind it
    for resource, raw in ledger.items():
        if resource in ("clocks", "outside") or not isinstance(raw, Mapping):
            continue
        found.append(_budget_bar(str(resource), raw, busy=busy and resource in ("latency", "throughput")))
    return sorted(found, key=lambda bar: bar.limit is None)


def ledger_figure(document: Document) -> Figure | None:
    """Draw what each phase cost on the declared clock, largest first, the phases outside the budget apart."""
    ledger = part(document, "ledger")
    time = part(ledger, "time")
    clock = str(time.get("clock", "wall"))
    phases = _costs(part(time, "phases"))
    outside = _costs(part(ledger, "outside"), clock)
    if not phases and not outside:
        return None
    asked, used = as_float(time.get("asked")), as_float(time.get("used"))
    whole = asked if math.isfinite(asked) else used if math.isfinite(used) else sum(phases.values())
    longest = max([*phases.values(), *outside.values(), 1e-12])
    inside_bars = [_phase_bar(name, cost, longest, whole, clock) for name, cost in phases.items()]
    outside_bars = [_phase_bar(name, cost, longest, math.nan, clock) for name, cost in outside.items()]
    finding = _ledger_finding(phases, outside, asked, used, clock)
    body = [[bar.label, "inside", bar.text, bar.remark] for bar in inside_bars]
    body += [[bar.label, "outside", bar.text, "–"] for bar in outside_bars]
    share = "share of the budget" if math.isfinite(asked) else "share of what was used"
    return Figure(
        name="ledger",
        finding=finding,
        alt=f"Bar chart of what each phase cost. {finding}",
        table=Table("What each phase cost", ["phase", "budget", "cost", share], body),
        panels=[
            panel for panel in (("Inside the budget", inside_bars), ("Outside the budget", outside_bars)) if panel[1]
        ],
    )


def clock_table(document: Document) -> Table | None:
    """Return what the run took on every clock, since all of them are always recorded."""
    clocks = part(part(document, "ledger"), "clocks")
    declared = str(part(part(document, "ledger"), "time").get("clock", "wall"))
    body = [
        [name, amount("time", as_float(clocks[name]), name), "the budget's clock" if name == declared else ""]
        for name in CLOCKS
        if name in clocks
    ]
    return Table("The same run on every clock", ["clock", "total", "role"], body) if body else None


def _budget_bar(resource: str, raw: Mapping[str, object], *, busy: bool) -> Bar:
    clock = str(raw.get("clock") or "wall")
    asked, used, overrun = (as_float(raw.get(name)) for name in ("asked", "used", "overrun"))
    label = {
        "time": f"time ({clock})",
        "latency": f"latency, p95 of one row, {'cpu' if busy else 'wall'} clock",
        "throughput": "throughput, wall clock",
    }.get(resource, resource)
    remark = _BUSY[resource] if busy else ""
    spent = amount(resource, used, clock)
    if not math.isfinite(asked):
        return Bar(label, f"{spent}; no limit was asked", 0.0, remark=remark)
    least = resource in _AT_LEAST
    over = overrun > 0 or (not least and used > asked)
    limit_text = f"at least {amount(resource, asked, clock)}" if least else amount(resource, asked, clock)
    text = f"{spent} of {limit_text} ({percent(used / asked)})"
    if over:
        excess = f"over the limit by {amount(resource, max(overrun, 0.0) or used - asked, clock)}"
        remark = "; ".join(filter(None, [excess, remark]))
    full = max(asked, used if math.isfinite(used) else asked)
    return Bar(label, text, round(100 * _finite(used) / full, 2), round(100 * asked / full, 2), over, remark)


def _costs(raw: Mapping[str, object], clock: str = "") -> dict[str, float]:
    pairs = {}
    for name, value in raw.items():
        cost = as_float(value.get(clock, value.get("used")) if isinstance(value, Mapping) else value)
        if math.isfinite(cost):
            pairs[str(name)] = cost
    return dict(sorted(pairs.items(), key=lambda pair: -pair[1]))


def _phase_bar(name: str, cost: float, longest: float, whole: float, clock: str) -> Bar:
    share = percent(cost / whole) if math.isfinite(whole) and whole > 0 else ""
    return Bar(name, amount("time", cost, clock), round(100 * cost / longest, 2), remark=share)


def _ledger_finding(
    phases: Mapping[str, float], outside: Mapping[str, float], asked: float, used: float, clock: str
) -> str:
    total = used if math.isfinite(used) else sum(phases.values())
    limit = f" of the {amount('time', asked, clock)} asked" if math.isfinite(asked) else ""
    text = f"The run used {amount('time', total, clock)}{limit}"
    if phases and total > 0:
        largest = [f"{name} took {percent(cost / total)}" for name, cost in list(phases.items())[:2]]
        text += f"; {' and '.join(largest)} of what was used"
    if outside:
        text += f"; {amount('time', sum(outside.values()), clock)} more went outside the budget ({', '.join(outside)})"
    return f"{text}."


def _finite(value: float) -> float:
    return value if math.isfinite(value) else 0.0
