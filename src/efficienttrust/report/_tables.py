"""The tables of a report that belong to no figure, as text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from efficienttrust.report._figures import Table, reading
from efficienttrust.report._format import NOT_ESTIMABLE, amount, as_float, count, number, percent
from efficienttrust.report._read import Document, count_text, part, read_estimate, read_targets, rows, texts
from efficienttrust.report._sentences import split_shares, spread

if TYPE_CHECKING:
    import pandas as pd

SHOWN_DECISIONS = 5
MOST_DECISIONS = 400


def metric_rows(document: Document) -> list[dict[str, object]]:
    """Return every metric with value, interval, n, method, definition and note."""
    targets = read_targets(document)
    found: list[dict[str, object]] = []
    for name, raw in part(document, "metrics").items():
        estimate = read_estimate(raw)
        details = raw if isinstance(raw, Mapping) else {}
        near = targets[name].bound if name in targets else math.nan
        found.append(
            {
                "name": str(name),
                "value": number(estimate.value, near=near) if estimate.known else estimate.missing,
                "interval": estimate.interval(near),
                "n": count_text(details["n"]) if details.get("n") else "–",
                "how": str(details.get("how") or "–"),
                "definition": str(details.get("definition") or ""),
                "note": estimate.note,
                "target": targets[name].wording if name in targets else "",
            }
        )
    return found


def decision_tables(document: Document, decisions: pd.DataFrame) -> tuple[Table, Table | None] | None:
    """Return the first and last decisions, and all of them where more were made; None where there are none."""
    records = [{str(key): value for key, value in record.items()} for record in decisions.to_dict("records")]
    if not records:
        return None
    columns = ["step", "training done", "knob", "from", "to", "expected cost", "reason"]
    clock = str(part(part(document, "ledger"), "time").get("clock") or "wall")
    body = [_decision(record, clock) for record in records]
    total = count(len(body))
    if len(body) <= 2 * SHOWN_DECISIONS:
        return Table(f"All {total} decisions", columns, body), None
    ends = [*body[:SHOWN_DECISIONS], *body[-SHOWN_DECISIONS:]]
    every = Table(f"Decisions, {count(min(len(body), MOST_DECISIONS))} of {total}", columns, body[:MOST_DECISIONS])
    return Table(
        f"The first {SHOWN_DECISIONS} and the last {SHOWN_DECISIONS} of {total} decisions", columns, ends
    ), every


def candidate_table(document: Document) -> Table | None:
    """Return the candidates the trainer gave, the chosen one marked; None where only one thing was ever there."""
    listed = rows(document, "candidates")
    if not listed:
        return None
    keys = list(dict.fromkeys(str(key) for row in listed for key in part(row, "metrics")))
    body = []
    for row in listed:
        cells = [read_estimate(part(row, "metrics").get(key)) for key in keys]
        values = [reading(cell) if cell.known else "–" for cell in cells]
        body.append(
            [str(row.get("name", "")), "◆ chosen" if row.get("chosen") else "", *values, str(row.get("note") or "")]
        )
    return Table("Candidates, as measured when one was chosen", ["candidate", "choice", *keys, "note"], body)


def facts(document: Document) -> list[tuple[str, str]]:
    """Return what the data are, where they come from and under which licence."""
    problem = part(document, "problem")
    values = {
        "multiclass": ", ".join(texts(problem, "classes")),
        "regression": "a number",
    }.get(str(problem.get("task")), f"{problem.get('positive')} (positive) against {problem.get('negative')}")
    label = f"{problem['label']}: {values}" if "label" in problem else ""
    found = [
        ("Name", str(problem.get("name") or "")),
        ("Source", str(problem.get("source") or "")),
        ("Rows", count(problem.get("rows")) if "rows" in problem else ""),
        ("Label", label),
        ("Sensitive", ", ".join(texts(problem, "sensitive")) or "none named"),
        ("Licence", str(problem.get("licence") or "not stated")),
        ("Citation", str(problem.get("citation") or "")),
        ("Fingerprint", str(problem.get("fingerprint") or "")),
    ]
    return [(words, value) for words, value in found if value]


def column_table(document: Document) -> Table | None:
    """Return the input columns as they were inferred."""
    listed = rows(part(document, "problem"), "columns")
    if not listed:
        return None
    extra = [key for key in ("unique", "mutable") if any(key in row for row in listed)]
    body = []
    for row in listed:
        missing = as_float(row.get("missing"))
        cells = [
            percent(missing)
            if 0 < missing < 1
            else count_text(row["missing"])
            if row.get("missing") is not None
            else "–"
        ]
        cells += [spread(row[key]) if isinstance(row.get(key), bool) else count(row.get(key)) for key in extra]
        body.append([str(row.get("name", "")), str(row.get("kind", "")), *cells])
    titles = {"unique": "distinct values", "mutable": "may be perturbed"}
    return Table("Input columns", ["column", "kind", "missing", *(titles[key] for key in extra)], body)


def base_rate_table(document: Document) -> Table | None:
    """Return the groups in the data with their base rates."""
    listed = rows(part(document, "problem"), "groups")
    if not listed:
        return None
    binary = part(document, "problem").get("task", "binary") == "binary"  # others have no base rate
    body = [
        [
            str(row.get("attribute", "")),
            str(row.get("group", "")),
            count_text(row.get("n")),
            *([reading(read_estimate(row.get("base_rate")))] if binary else []),
        ]
        for row in listed
    ]
    return Table("Groups in the data", ["attribute", "group", "rows", *["base rate"] * binary], body, labels=2)


def split_table(document: Document) -> Table | None:
    """Return the splits with their rows."""
    body = split_shares(document)
    return Table("Splits", ["split", "rows", "share"], body) if body else None


def model_table(document: Document) -> Table:
    """Return what the model is: its family, size and how it decides."""
    model, spec = part(document, "model"), part(document, "spec")
    body = []
    for key, title in (("trainer", "trainer"), ("architecture", "architecture"), ("width_reason", "why this size")):
        if model.get(key):
            body.append([title, str(model[key])])
    trained = model.get("trained")
    if isinstance(trained, Sequence) and trained:
        body.append(["how it was trained", "; ".join(map(str, trained))])
    if math.isfinite(as_float(model.get("parameters"))):
        body.append(["parameters", count(model["parameters"])])
    if math.isfinite(as_float(model.get("size_bytes"))):
        body.append(["exported file", amount("size", as_float(model["size_bytes"]))])
    if model.get("blind") is not None:
        body.append(["reads the sensitive attribute", "no" if model["blind"] else "yes"])
    decision = model.get("decision")
    if isinstance(decision, Mapping):
        body += [[f"decision: {key}", spread(value)] for key, value in _flat(decision)]
    elif decision is not None:
        body.append(["decision", spread(decision)])
    body += [[key, spread(spec[key])] for key in ("policy", "seed", "budget") if spec.get(key) is not None]
    return Table("What it is and how it decides", ["", ""], body)


def environment_table(document: Document) -> Table | None:
    """Return the machine and the versions, nested entries flattened."""
    body = [
        [key, amount("memory", as_float(value)) if key == "memory" else spread(value)]
        for key, value in _flat(part(document, "environment"))
    ]
    if document.get("efficienttrust_version"):
        body.insert(0, ["efficienttrust", str(document["efficienttrust_version"])])
    return Table("Where it ran", ["", ""], body) if body else None


def artifact_table(document: Document) -> Table | None:
    """Return the files of the run."""
    body = [[str(name), str(path)] for name, path in part(document, "artifacts").items()]
    return Table("Files of this run", ["what", "path"], body) if body else None


def _decision(record: Mapping[str, object], clock: str) -> list[str]:
    before, after = (_setting(record.get(name)) for name in ("before", "after"))
    cost = as_float(record.get("expected_cost"))
    return [
        count(record.get("step")),
        percent(as_float(record.get("progress"))),
        str(record.get("knob") or ""),
        before,
        after,
        amount("time", cost, clock) if math.isfinite(cost) else "–",
        str(record.get("reason") or ""),
    ]


def _setting(raw: object) -> str:
    value = as_float(raw)
    if math.isfinite(value):
        return number(value)
    text = "" if raw is None or isinstance(raw, float) else str(raw)
    return text if text not in ("", NOT_ESTIMABLE) else "–"


def _flat(mapping: Mapping[str, object], prefix: str = "") -> list[tuple[str, object]]:
    pairs: list[tuple[str, object]] = []
    for key, value in mapping.items():
        if isinstance(value, Mapping):
            pairs += _flat(value, f"{prefix}{key}.")
        else:
            pairs.append((f"{prefix}{key}".replace("_", " "), value))
    return pairs
