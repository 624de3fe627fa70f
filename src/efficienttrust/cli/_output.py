"""What the verbs print about a run: a summary for people, one JSON document for programs."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from efficienttrust.cli._tables import interval, print_table, text

if TYPE_CHECKING:
    from efficienttrust.pipeline import VerifiedVerdict

SCHEMA_VERSION = 1
VERDICT_KEYS = ("target", "status", "qualifier", "value", "low", "high", "n", "reason")
RESOURCE_KEYS = ("clock", "asked", "used", "overrun", "phases")


def print_json(document: Mapping[str, object]) -> None:
    """Print one strict JSON document; a number that cannot be estimated is null."""
    from efficienttrust.pipeline import plain

    print(json.dumps(plain({"schema_version": SCHEMA_VERSION, **document}), indent=2, ensure_ascii=False))


def fit_document(document: Mapping[str, Any], folder: Path) -> dict[str, object]:
    """Return what `fit --json` prints: verdicts, metrics, the ledger by resource and the paths of the artefacts."""
    return {
        "verdicts": [{key: verdict.get(key) for key in VERDICT_KEYS} for verdict in document["verdicts"]],
        "metrics": document["metrics"],
        "ledger": {
            name: {**{key: entry.get(key) for key in RESOURCE_KEYS}, "phases": entry.get("phases", {})}
            for name, entry in _resources(document).items()
        },
        "failed": list(document.get("failed", ())),
        "fallbacks": document["fallbacks"],
        "artifacts": {name: str(folder / path) for name, path in document["artifacts"].items()},
    }


def print_compression(document: Mapping[str, Any]) -> None:
    """Print what a compression changed of the deployed file, before and after, and whether that is real."""
    entry = document["compression"]
    before, after = entry["before"], entry["after"]
    rows = [
        (name, _figure(before, path), _figure(after, path))
        for name, path in (
            ("bytes of the file", ("size_bytes",)),
            ("parameters", ("parameters",)),
            ("non-zero parameters", ("nonzero_parameters",)),
            *((f"p50 latency, batch {size} (ms)", ("latency", size, "p50_ms")) for size in before["latency"]),
            ("rows per second", ("throughput_rows_per_s",)),
            ("peak memory serving (bytes)", ("peak_memory_bytes",)),
            *((key, ("metrics", key, "value")) for key in _compared(document)),
        )
    ]
    print_table(["", "before", "after"], rows)
    print(f"{entry['label']}: {entry['why']}")


def _compared(document: Mapping[str, Any]) -> list[str]:
    """Return the metrics that stand before and after: the utility, and those of the targets."""
    both = document["compression"]["before"]["metrics"].keys() & document["compression"]["after"]["metrics"].keys()
    wanted = ["accuracy", "r2", *(re.split(r"\s*[<>]", one["target"])[0] for one in document["verdicts"])]
    return [key for key in dict.fromkeys(wanted) if key in both]


def _figure(figures: Mapping[str, Any], path: Sequence[str]) -> Any:
    """Return a figure of the deployed file; what was not measured is said so."""
    value: Any = figures
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return "not measured" if value is None else value


def print_summary(document: Mapping[str, Any], folder: Path) -> None:
    """Print the verdicts, what was spent and what the budget did not buy; the last line is the path of the report."""
    verdicts = document["verdicts"]
    if verdicts:
        rows = [
            (one["target"], _status(one["status"], one["qualifier"]), one["value"], interval(one), one["n"])
            for one in verdicts
        ]
        print_table(["target", "verdict", "on test", "interval", "n"], rows)
    for one in verdicts:
        if one["reason"]:
            print(f"{one['target']}: {one['reason']}")
    for name in ("accuracy", "r2"):
        if measured := document["metrics"].get(name):
            print(f"{name} on test: {text(measured['value'])} {interval(measured)}, n = {text(measured['n'])}")
    for name, entry in _resources(document).items():
        if name == "time" or entry["asked"] is not None:
            print(f"{name}{_unit(name, entry)}: {_spent(entry)}")
    for fallback in document["fallbacks"]:
        print(f"note: {fallback}")
    print(folder / "report.html")


def print_failures(failed: Sequence[str]) -> None:
    """Say on stderr which hard limits a run broke: it failed, whatever its verdicts are."""
    for line in failed:
        print(f"error: the run failed: {line}", file=sys.stderr)


def verify_document(verified: Sequence[VerifiedVerdict]) -> dict[str, object]:
    """Return what `verify --json` prints: every verdict as recorded and as recomputed."""
    return {
        "confirmed": all(one.confirmed for one in verified),
        "verdicts": [
            {
                "target": one.target,
                "status": one.status,
                "value": one.value,
                "recorded_status": one.recorded_status,
                "recorded_value": one.recorded_value,
                "confirmed": one.confirmed,
            }
            for one in verified
        ],
    }


def print_verification(verified: Sequence[VerifiedVerdict]) -> None:
    """Print every verdict as recorded and as recomputed."""
    rows = [
        (
            one.target,
            one.recorded_status,
            one.status,
            one.recorded_value,
            one.value,
            "yes" if one.confirmed else "no",
        )
        for one in verified
    ]
    if not rows:
        print(
            "no target was set: the data are those of the run, and model.onnx says of its test split what was recorded"
        )
        return
    print_table(["target", "recorded", "recomputed", "recorded value", "recomputed value", "confirmed"], rows)
    print(f"{sum(one.confirmed for one in verified)} of {len(verified)} verdicts confirmed")


def _resources(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the entries of the ledger that are resources (it also holds totals by clock and what lies outside)."""
    return {name: entry for name, entry in document["ledger"].items() if "asked" in entry}


def _spent(entry: Mapping[str, Any]) -> str:
    asked = "" if entry["asked"] is None else f" of {text(entry['asked'])}"
    over = f", {text(entry['overrun'])} beyond the limit" if entry["overrun"] else ""
    return f"{text(entry['used'])}{asked}{over}"


def _status(status: str, qualifier: str) -> str:
    return f"{status}, {qualifier}" if qualifier else status


def _unit(name: str, entry: Mapping[str, Any]) -> str:
    clock = entry.get("clock")
    if name == "latency":
        return (
            f" (ms, p95 of one row, {'cpu clock as the machine was busy' if entry.get('contended') else 'wall clock'})"
        )
    if name == "time":
        return f" (seconds, {clock} clock)" if clock in {"wall", "cpu"} else f" ({clock})"
    unit = {"size": "bytes", "memory": "bytes", "throughput": "rows/s, wall clock"}.get(name, "")
    return f" ({unit})" if unit else ""
