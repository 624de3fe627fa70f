"""What was measured on which rows, and the cards of model and data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from efficienttrust.report._audit_curve import read_curve
from efficienttrust.report._audit_numbers import NOT_OF_NUMBERS, answers_numbers
from efficienttrust.report._audit_read import label, measured, where
from efficienttrust.report._figures import Table, reading
from efficienttrust.report._format import amount, as_float, count, words
from efficienttrust.report._groups import SMALL_GROUP
from efficienttrust.report._read import WITHHELD, Document, count_text, part, rows, texts
from efficienttrust.report._sentences import spread

NOT_MEASURED = "not measured"
PARTS = 7
"""Rows of the table of what was measured."""

_MOST_CLASSES = 20
_KINDS = {
    "onnx": "ONNX file, run as deployed",
    "sklearn": "scikit-learn estimator",
    "torch": "torch module",
    "callable": "Python function",
    "run": "run of EfficientTrust",
}


def coverage_table(document: Document) -> Table:
    """Return what was measured on which rows, part by part, and what was not measured."""
    robustness, corruptions, ood, shift = (
        part(document, name) for name in ("robustness", "corruptions", "ood", "shift")
    )
    data, rows_words = part(document, "data"), where(document)
    n = as_float(data.get("n"))
    rows_text = f"{count(n)} {rows_words}" if math.isfinite(n) else rows_words
    curve = read_curve(document)
    attacked = ""
    if curve is not None:
        strengths = ", ".join(curve.eps.text(eps) for eps in curve.strengths)
        most = max(estimate.n for estimate in curve.overall)
        attacked = f"{robustness.get('attack') or 'attack'}, {_norm(robustness)}, eps {strengths}"
        attacked += f"; {count(most)} {rows_words}" if most else ""
    corrupted = rows(corruptions, "rows")
    sets, environments = rows(ood, "sets"), rows(shift, "environments")
    latency = rows(part(document, "resources"), "latency")
    n_metrics = len(part(document, "metrics"))
    attributes = dict.fromkeys(str(row.get("attribute", "")) for row in rows(document, "groups"))
    body = [
        ["metrics", f"{n_metrics} on {rows_text}" if n_metrics else NOT_MEASURED],
        ["groups", ", ".join(filter(None, attributes)) or (NOT_MEASURED if not attributes else rows_text)],
        ["accuracy under attack", attacked or NOT_MEASURED],
        [
            "accuracy under corruption",
            _corrupted(corrupted, rows_words) if corrupted else NOT_MEASURED,
        ],
        ["detection of other distributions", ", ".join(str(one.get("against") or "–") for one in sets) or NOT_MEASURED],
        [
            "natural shift",
            f"{len(environments)} environments of {shift.get('column') or 'a column'}"
            if environments
            else NOT_MEASURED,
        ],
        ["time", f"batches of {', '.join(spread(row.get('batch')) for row in latency)}" if latency else NOT_MEASURED],
    ]
    if answers_numbers(document):
        titles = {"robustness": "attacks", "corruptions": "corruptions", "ood": "detection of other distributions"}
        body[2:5] = [[title, f"{NOT_MEASURED}: {NOT_OF_NUMBERS[name]}"] for name, title in titles.items()]
    return Table("Each part, and the rows it rests on", ["", ""], body)


def missing_parts(document: Document) -> list[str]:
    """Return the parts that were not measured and could have been."""
    return [str(row[0]) for row in coverage_table(document).rows if row[1] == NOT_MEASURED]


def model_facts(document: Document) -> list[tuple[str, str]]:
    """Return what the audited model is."""
    model = part(document, "model")
    classes = texts(model, "classes")
    shown = ", ".join(classes[:_MOST_CLASSES]) + (
        f" and {len(classes) - _MOST_CLASSES} more" if len(classes) > _MOST_CLASSES else ""
    )
    size, parameters = as_float(model.get("size_bytes")), as_float(model.get("parameters"))
    kind = str(model.get("kind") or "")
    pairs = [
        ("Source", str(model.get("source") or "")),
        ("Kind", _KINDS.get(kind, kind)),
        ("Task", str(model.get("task") or "")),
        ("Classes", f"{len(classes)}: {shown}" if classes else ""),
        ("Reads", str(model.get("inputs") or "")),
        ("Answers with", str(model.get("outputs") or "")),
        ("File", amount("size", size) if math.isfinite(size) else ""),
        ("Parameters", count(parameters) if math.isfinite(parameters) else ""),
        *((words(str(key)), spread(value)) for key, value in part(model, "facts").items()),
    ]
    return [(title, value) for title, value in pairs if value]


def data_facts(document: Document) -> list[tuple[str, str]]:
    """Return what the rows are and where they come from."""
    data = part(document, "data")
    attributes = ", ".join(map(str, part(data, "attributes")))
    pairs = [
        ("Name", str(data.get("name") or "")),
        ("Source", str(data.get("source") or "")),
        ("Rows measured", count(data.get("n")) if math.isfinite(as_float(data.get("n"))) else ""),
        ("Which rows", str(data.get("rows") or "")),
        ("Sensitive", attributes or "none named"),
        ("Fingerprint", str(data.get("fingerprint") or "")),
    ]
    return [(title, value) for title, value in pairs if value]


def attribute_table(document: Document) -> Table | None:
    """Return the groups in the measured rows with their base rates; numbers have none."""
    attributes = part(part(document, "data"), "attributes")
    body = []
    for attribute in attributes:
        for row in rows(attributes, attribute):
            n = as_float(row.get("n"))
            small = " (too small)" if n < SMALL_GROUP else ""
            group = f"{label(row.get('group'))}{small}"
            rate, unknown = row.get("base_rate"), WITHHELD if isinstance(row.get("n"), str) else "–"
            shown = reading(measured(rate)) if rate is not None else unknown
            rates = [] if answers_numbers(document) else [shown]
            body.append([str(attribute), group, count_text(row.get("n")), *rates])
    columns = ["attribute", "group", "rows", *([] if answers_numbers(document) else ["base rate"])]
    return Table("Groups in the rows", columns, body, labels=2) if body else None


def _corrupted(listed: Sequence[Mapping[str, object]], rows_words: str) -> str:
    kinds = len({str(row.get("name")) for row in listed})
    most = max(measured(row.get("accuracy")).n for row in listed)
    text = f"{kinds} corruption{'s' * (kinds != 1)}, {len(listed)} settings"
    return f"{text}; {count(most)} {rows_words} each" if most else text


def _norm(robustness: Mapping[str, object]) -> str:
    name = str(robustness.get("norm") or "norm not stated")
    return {"linf": "L∞", "l2": "L2"}.get(name, name)
