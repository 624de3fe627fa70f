"""What `audit` prints of each section that was measured: one line each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from efficienttrust.cli._tables import interval, text


def section_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield one line for every section that was measured, and the alarms."""
    for name, told in LINES.items():
        if document[name]:
            yield from told(document[name])
    yield _alarms(document)


def bound_of(verdict: Mapping[str, Any]) -> str:
    """Return the one-sided limit beside a verdict, as `<= 0.0969 at 95 %`; `-` where there is none."""
    proof = verdict["certificate"]
    if proof is None or not math.isfinite(proof["bound"]):
        return "-"
    relation = "<=" if " <= " in verdict["target"] else ">="
    return f"{relation} {proof['bound']:.4f} at {100 * proof['level']:.4g} %"


def reasons(shown: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield why a metric that is listed has no value."""
    for entry in shown:
        if math.isnan(entry["value"]):
            yield f"{entry['name']}: not estimated: {entry['note'] or 'no reason was recorded'}"


def _robustness(found: Mapping[str, Any]) -> Iterator[str]:
    from efficienttrust.report._audit_read import EpsScale

    scale = EpsScale(found["unit"], [point["eps"] for point in found["curve"]])
    points = [point for point in found["curve"] if point["eps"] > 0]
    curve = ", ".join(f"{_figure(point['accuracy'])} at eps {scale.text(point['eps'])}" for point in points)
    n = text(points[0]["accuracy"]["n"]) if points else "0"
    unfinished = "" if found["complete"] else ", a sample: not every row was attacked in the time given"
    yield f"accuracy under attack ({found['attack']}, {found['norm']}, n = {n}{unfinished}): {curve}"


def _corruptions(found: Mapping[str, Any]) -> Iterator[str]:
    rows = [row for row in found["rows"] if not math.isnan(row["accuracy"]["value"])]
    error = found["mean_corruption_error"]
    parts = [] if error is None else [f"mean corruption error {_figure(error)}"]
    if rows:
        worst = min(rows, key=lambda row: float(row["accuracy"]["value"]))
        parts.append(f"worst {worst['name']} at severity {worst['severity']}: accuracy {_figure(worst['accuracy'])}")
    if parts:
        yield f"corruptions: {'; '.join(parts)}"


def _ood(found: Mapping[str, Any]) -> Iterator[str]:
    for one in found["sets"]:
        known = [row for row in one["detectors"] if not math.isnan(row["auroc"]["value"])]
        where = f"detection of {one['against']} ({one['nearness']}, n = {text(one['n'])})"
        if not known:
            yield f"{where}: no detector could be measured"
            continue
        best = max(known, key=lambda row: float(row["auroc"]["value"]))
        yield f"{where}: best AUROC {_figure(best['auroc'])} by {best['name']}, of {len(known)} detectors"


def _shift(found: Mapping[str, Any]) -> Iterator[str]:
    of_numbers = any("rise" in row for row in found["environments"])
    level, change = ("error", "rise") if of_numbers else ("accuracy", "drop")
    known = [row for row in found["environments"] if not math.isnan(row[change]["value"])]
    if known:
        worst = max(known, key=lambda row: float(row[change]["value"]))
        words = "mean absolute error" if of_numbers else level
        yield (
            f"shift by {found['column']}: worst is {worst['name']}, {words} {_figure(worst[level])}, "
            f"{change} {_figure(worst[change])}, of {len(found['environments'])} environments"
        )


def _resources(found: Mapping[str, Any]) -> Iterator[str]:
    from efficienttrust.report._format import amount

    parts = [f"{amount('latency', row['p50_ms'])} a call of {text(row['batch'])}" for row in found["latency"]]
    if found["size_bytes"] is not None:
        parts.append(amount("size", found["size_bytes"]))
    if parts:
        yield f"resources: {', '.join(parts)}"


def _alarms(document: Mapping[str, Any]) -> str:
    states = [alarm["fired"] for alarm in document["alarms"]]
    fired = [alarm["name"] for alarm in document["alarms"] if alarm["fired"]]
    evaluated, unknown = sum(state is not None for state in states), sum(state is None for state in states)
    told = f"{len(fired)} of {evaluated} evaluated fired: {', '.join(fired)}" if fired else _silent(evaluated)
    told += f" ({unknown} could not be looked for)" if unknown else ""
    attacked = document["robustness"] is not None or document.get("model", {}).get("task") == "regression"
    return f"alarms: {told}{'' if attacked else '; most alarms need attacks, as suite standard makes'}"


def _silent(evaluated: int) -> str:
    return f"none of {evaluated} evaluated fired"


def _figure(entry: Mapping[str, Any]) -> str:
    value = float(entry["value"])
    return "not estimated" if math.isnan(value) else f"{value:.3f} {interval(entry)}"


LINES = {
    "robustness": _robustness,
    "corruptions": _corruptions,
    "ood": _ood,
    "shift": _shift,
    "resources": _resources,
}
"""Section -> what says it in a line."""
