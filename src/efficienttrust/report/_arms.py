"""A compressed model beside the one that it came from: bytes, speed, memory and metrics, and what was tried."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from efficienttrust.report._figures import Cell, Table, reading
from efficienttrust.report._format import amount, as_float, count, in_levels, number, percent, signed
from efficienttrust.report._read import Document, Estimate, part, read_estimate, read_targets, rows, texts

NOT_MEASURED = "not measured"
_ALWAYS = ("accuracy", "mae", "rmse", "r2")
_ROBUST = ("robust_accuracy(", "worst_group_robust_accuracy(", "corruption_accuracy")
_COLUMNS = ("", "before", "after", "after / before", "after − before")
_FIGURES = (
    ("size_bytes", "size of the file", "size"),
    ("parameters", "parameters", "parameters"),
    ("nonzero_parameters", "parameters other than 0", "parameters"),
)
_SPEEDS = (("p50_ms", "median"), ("p95_ms", "p95"), ("cpu_p50_ms", "median, CPU clock"))


def measured(raw: object) -> Estimate:
    """Read an estimate; what is not there was not measured."""
    return read_estimate(raw, NOT_MEASURED) if raw is None else read_estimate(raw)


def arms_table(document: Document) -> Table:
    """Return both models side by side: cost first, then accuracy, what the targets ask, and robustness."""
    before, after = _arms(document)
    body = [_row(words, before.get(key), after.get(key), unit) for key, words, unit in _FIGURES]
    for batch in _batches(before, after):
        speeds = [part(part(arm, "latency"), batch) for arm in (before, after)]
        which = "one row" if batch == "1" else f"{batch} rows at once"
        body += [
            _row(f"latency of {which}, {words}", speeds[0].get(key), speeds[1].get(key), "latency")
            for key, words in _SPEEDS
        ]
    name = "throughput_rows_per_s"
    body.append(_row("throughput", before.get(name), after.get(name), "throughput"))
    body.append(_row("peak memory", before.get("peak_memory_bytes"), after.get("peak_memory_bytes"), "memory"))
    body += _metric_rows(document, _shown_first(document))
    busy = any(part(part(arm, "latency"), size).get("contended") is True for arm in (before, after)
               for size in part(arm, "latency"))  # fmt: skip
    return Table(
        "The deployed files before and after, metrics on the same test rows with 95 % intervals",
        _COLUMNS,
        body,
        note="Timed on a busy machine: compare the CPU clock." if busy else "",
    )


def other_metrics(document: Document) -> Table | None:
    """Return the metrics that the table of both models leaves out; None where there are no more."""
    first = _shown_first(document)
    body = _metric_rows(document, [key for key in _keys(document) if key not in first])
    return Table("All other metrics before and after, 95 % intervals", _COLUMNS, body) if body else None


def cost_sentence(document: Document) -> str:
    """Return what became of the size and of the speed, from the numbers; empty where neither was measured."""
    before, after = _arms(document)
    sizes = as_float(before.get("size_bytes")), as_float(after.get("size_bytes"))
    found = []
    if all(map(math.isfinite, sizes)) and sizes[0] > 0:
        found.append(
            f"the deployed file went from {amount('size', sizes[0])} to {amount('size', sizes[1])} "
            f"({_ratio(*sizes)} of its size)"
        )
    told = []
    for batch in _batches(before, after):
        speeds = [as_float(part(part(arm, "latency"), batch).get("cpu_p50_ms")) for arm in (before, after)]
        if all(map(math.isfinite, speeds)) and speeds[0] > 0:
            told.append(f"{_ratio(*speeds)} of what it was for {'one row' if batch == '1' else f'{batch} rows'}")
    if told:
        found.append(f"its latency (median, CPU clock) is {' and '.join(told)}")
    sentence = "; ".join(found)
    return f"{sentence[:1].upper()}{sentence[1:]}." if sentence else ""


def quantisation_table(document: Document) -> Table | None:
    """Return what was verified of the quantised network; None where nothing was quantised."""
    facts = part(part(document, "compression"), "quantisation")
    if not facts:
        return None
    operators = ", ".join(f"{count(n)} {name}" for name, n in part(facts, "operators").items())
    left = ", ".join(f"{count(n)} {name}" for name, n in part(facts, "left_float").items())
    share, moved, flips = (as_float(facts.get(key)) for key in ("integer_share", "batch_dependence", "batch_flips"))
    sizes = [as_float(facts.get(key)) for key in ("bytes_before", "bytes_after")]
    body = [
        ["method", str(facts.get("method") or NOT_MEASURED)],
        ["bits of a weight", count(facts["bits"]) if facts.get("bits") is not None else NOT_MEASURED],
        ["weights stored as whole numbers", percent(share) if math.isfinite(share) else NOT_MEASURED],
        ["network in the file, without pre- and post-processing",
         " → ".join(amount("size", size) for size in sizes) if all(map(math.isfinite, sizes)) else NOT_MEASURED],
        ["operators", operators or NOT_MEASURED],
        ["tensors left in floating point", (left or "none") if "left_float" in facts else NOT_MEASURED],
        ["largest change of a logit by the rows that it is asked with",
         number(moved) if math.isfinite(moved) else NOT_MEASURED],
        ["decisions that flip by it", percent(flips) if math.isfinite(flips) else NOT_MEASURED],
    ]  # fmt: skip
    return Table("What was verified of the quantised network", ["", ""], body)


def search_table(document: Document) -> Table | None:
    """Return the chains that the search for the limits tried; None where the chain was given."""
    search = part(part(document, "compression"), "search")
    body = []
    for row in rows(search, "grid"):
        ranks = [as_float(rank) for rank in _sequence(row.get("ranks"))]
        exceeds = "; ".join(texts(row, "exceeds"))
        body.append(
            [
                ", ".join(texts(row, "chain")) or "the network as it is",
                "◆ chosen" if row.get("chosen") else "",
                amount("size", as_float(row.get("size_bytes"))),
                f"exceeds {exceeds}" if exceeds else "fits",
                " → ".join(number(rank) for rank in ranks) or NOT_MEASURED,
            ]
        )
    if not body:
        return None
    columns = ["chain", "choice", "size before recovery", "limits", "utility less shortfall, rung by rung"]
    return Table(f"Chains tried for {search.get('limits') or 'the limits'}", columns, body)


def _arms(document: Document) -> tuple[Mapping[str, object], Mapping[str, object]]:
    compression = part(document, "compression")
    return part(compression, "before"), part(compression, "after")


def _batches(*arms: Mapping[str, object]) -> list[str]:
    """Return the sizes of batches that were timed, smallest first; one row is always asked for."""
    found = {"1", *(str(size) for arm in arms for size in part(arm, "latency"))}
    return sorted(found, key=lambda size: (as_float(size), size))


def _row(words: str, before: object, after: object, unit: str) -> list[Cell]:
    values = as_float(before), as_float(after)
    cells: list[Cell] = [amount(unit, value) if math.isfinite(value) else NOT_MEASURED for value in values]
    return [words, *cells, _ratio(*values), "–"]


def _ratio(before: float, after: float) -> str:
    return number(after / before, 2) if math.isfinite(after) and before > 0 else "–"


def _keys(document: Document) -> list[str]:
    return list(dict.fromkeys(key for arm in _arms(document) for key in part(arm, "metrics")))


def _shown_first(document: Document) -> list[str]:
    keys, targets = _keys(document), list(read_targets(document))
    first = [key for key in _ALWAYS if key in keys] or ["accuracy"]
    robust = [key for key in keys if key.startswith(_ROBUST)]
    return list(dict.fromkeys([*first, *(key for key in targets if key in keys or "latency" not in key), *robust]))


def _metric_rows(document: Document, keys: Sequence[str]) -> list[list[Cell]]:
    targets, image = read_targets(document), part(document, "problem").get("kind") == "image"
    before, after = (part(arm, "metrics") for arm in _arms(document))
    body: list[list[Cell]] = []
    for key in keys:
        was, now = measured(before.get(key)), measured(after.get(key))
        target = targets.get(key)
        near = target.bound if target else math.nan
        words = in_levels(key) if image else key
        difference = signed(now.value - was.value) if was.known and now.known else "–"
        label = f"{words}, target {target.wording}" if target else words
        body.append([label, reading(was, near), reading(now, near), "–", difference])
    return body


def _sequence(raw: object) -> Sequence[object]:
    return raw if isinstance(raw, Sequence) and not isinstance(raw, str) else ()
