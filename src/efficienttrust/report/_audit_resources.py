"""What the model costs to run: time by batch size, size, operations, memory, and energy as an estimate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from efficienttrust.report._audit_read import tidy
from efficienttrust.report._bars import Bar
from efficienttrust.report._figures import Figure, Table
from efficienttrust.report._format import amount, as_float, count, percent
from efficienttrust.report._read import Document, part, rows

BUSY = "other work ran on the machine while this was measured, so on an idle one it may be faster"
_ENERGY = ((1.0, "J"), (1e-3, "mJ"), (1e-6, "µJ"), (1e-9, "nJ"))


@dataclass(frozen=True)
class Latency:
    """Times of one batch size: milliseconds per batch, rows per second."""

    batch: str
    p50: float
    p95: float
    p99: float
    rows_per_second: float
    contended: bool
    n: float


def latency_figure(document: Document) -> Figure | None:
    """Draw the throughput by batch size; None where no time was measured."""
    listed = [_read(row) for row in rows(part(document, "resources"), "latency")]
    if not listed:
        return None
    longest = max((one.rows_per_second for one in listed if math.isfinite(one.rows_per_second)), default=1.0) or 1.0
    bars = [_bar(one, longest) for one in listed]
    finding = _finding(listed)
    return Figure(
        name="latency",
        finding=finding,
        alt=f"Bar chart of rows per second by batch size. {finding}",
        table=_table(listed),
        panels=[bars],
        note=_contended(listed),
        meaning=_meaning(listed),
    )


def resource_facts(document: Document) -> list[tuple[str, str]]:
    """Return size, parameters, operations, memory and energy, as far as they were measured."""
    resources = part(document, "resources")
    pairs = [
        ("Size on disk", _amount("size", resources.get("size_bytes"))),
        ("Parameters", _parameters(part(resources, "parameters"))),
        ("Operations of one row", _operations(as_float(resources.get("flops_per_row")))),
        ("Peak memory", _memory(resources)),
        ("Energy of one row", _energy(part(resources, "energy"))),
    ]
    return [(title, value or "not measured") for title, value in pairs] if resources else []


def milliseconds(value: float) -> str:
    """Return a time as text, `0.0873 ms`."""
    return amount("latency", value) if math.isfinite(value) else "–"


def _read(row: Mapping[str, object]) -> Latency:
    names = ("p50_ms", "p95_ms", "p99_ms", "rows_per_second")
    p50, p95, p99, throughput = (as_float(row.get(name)) for name in names)
    contended = row.get("contended") is True
    return Latency(tidy(row.get("batch")), p50, p95, p99, throughput, contended, as_float(row.get("n")))


def _bar(one: Latency, longest: float) -> Bar:
    known = math.isfinite(one.rows_per_second)
    text = amount("throughput", one.rows_per_second) if known else "not measured"
    remark = f"p95 {milliseconds(one.p95)}".replace(" ", "\u00a0") + (", busy machine" if one.contended else "")
    length = round(100 * max(0.0, one.rows_per_second) / longest, 2) if known else 0.0
    return Bar(f"batch of {one.batch}", text, length, remark=remark)


def _finding(listed: Sequence[Latency]) -> str:
    parts = []
    first = listed[0]
    if math.isfinite(first.p95):
        subject = "One row takes" if first.batch == "1" else f"A batch of {first.batch} takes"
        parts.append(f"{subject} {milliseconds(first.p95)} at the 95th percentile")
    fastest = max(listed, key=lambda one: one.rows_per_second if math.isfinite(one.rows_per_second) else -1.0)
    if math.isfinite(fastest.rows_per_second):
        rate = amount("throughput", fastest.rows_per_second)
        parts.append(f"most rows pass in batches of {fastest.batch}: {rate}")
    return f"{'; '.join(parts)}." if parts else "No time was measured."


def _meaning(listed: Sequence[Latency]) -> str:
    first = listed[0]
    if not (math.isfinite(first.p50) and math.isfinite(first.p95)) or first.batch != "1":
        return ""
    return (
        f"Half of single rows are answered within {milliseconds(first.p50)}, 95 of 100 within "
        f"{milliseconds(first.p95)}, on the machine named at the end of this page."
    )


def _contended(listed: Sequence[Latency]) -> str:
    busy = [one.batch for one in listed if one.contended]
    if not busy:
        return ""
    which = "Every batch size" if len(busy) == len(listed) else f"Batches of {', '.join(busy)}"
    return f"{which}: {BUSY}."


def _table(listed: Sequence[Latency]) -> Table:
    body = [
        [
            one.batch,
            *(milliseconds(value) for value in (one.p50, one.p95, one.p99)),
            count(one.rows_per_second) if math.isfinite(one.rows_per_second) else "–",
            count(one.n) if math.isfinite(one.n) else "–",
            "busy" if one.contended else "not busy",
        ]
        for one in listed
    ]
    columns = ["batch", "median", "p95", "p99", "rows per second", "repeats", "machine"]
    return Table("Time of one batch", columns, body)


def _amount(resource: str, raw: object) -> str:
    value = as_float(raw)
    return amount(resource, value) if math.isfinite(value) else ""


def _memory(resources: Mapping[str, object]) -> str:
    peak, floor = (_amount("memory", resources.get(key)) for key in ("peak_memory_bytes", "memory_floor_bytes"))
    return f"{peak}, of which {floor} after the imports" if peak and floor else peak


def _parameters(raw: Mapping[str, object]) -> str:
    total, nonzero = as_float(raw.get("total")), as_float(raw.get("nonzero"))
    if not math.isfinite(total):
        return ""
    if not math.isfinite(nonzero) or nonzero == total:
        return count(total)
    share = f" ({percent(nonzero / total)})" if total else ""
    return f"{count(total)}, of which {count(nonzero)}{share} are not zero"


def _operations(flops: float) -> str:
    return f"{amount('time', flops, 'flops').removesuffix(' flops')} FLOPs" if math.isfinite(flops) else ""


def _energy(raw: Mapping[str, object]) -> str:
    joule = as_float(raw.get("joule_per_row"))
    if not math.isfinite(joule):
        return ""
    factor, unit = next(((f, u) for f, u in _ENERGY if abs(joule) >= f), _ENERGY[-1])
    low, high = as_float(raw.get("low")), as_float(raw.get("high"))
    span = f", {low / factor:.3g} to {high / factor:.3g} {unit}" if low < high else ""
    how = f"; {raw['how']}" if raw.get("how") else ""
    return f"{joule / factor:.3g} {unit} ({raw.get('label') or 'estimate'}{span}{how})"
