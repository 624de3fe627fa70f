"""audit.json: everything an audit found, as one schema-versioned document."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from efficienttrust import __version__
from efficienttrust.data._bundled import is_clinical
from efficienttrust.evaluation.certification import Verdict
from efficienttrust.evaluation.subjects import Rows
from efficienttrust.metrics import Measurement
from efficienttrust.pipeline._audit_examination import Examination, Section
from efficienttrust.pipeline._audit_request import is_given
from efficienttrust.pipeline._document import REPEATED
from efficienttrust.resources import calibration_kernel, environment

SCHEMA_VERSION = 1

ARTIFACTS = {"audit": "audit.json", "predictions": "predictions.parquet", "report": "report.html"}


def audit_document(
    exam: Examination,
    measured: Mapping[str, Measurement],
    groups: Sequence[Mapping[str, object]],
    verdicts: Sequence[Verdict],
    sections: Mapping[str, Section],
    *,
    command: str,
    warnings: Sequence[str],
    ledger: Mapping[str, Any],
) -> dict[str, Any]:
    """Collect a finished audit into one document of plain values.

    Args:
        exam: Model, rows, answers, request.
        measured: Metric key -> measurement.
        groups: Rates by group.
        verdicts: One per target.
        sections: `robustness`, `corruptions`, `ood`, `shift` and `resources`.
        command: The command line that makes this audit again.
        warnings: What the user should change.
        ledger: What the audit itself cost.
    """
    subject, rows = exam.subject, exam.rows
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "audit",
        "efficienttrust_version": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "seed": exam.request.seed,
        "suite": exam.request.suite,
        "model": {
            "source": subject.source,
            "kind": subject.kind,
            "task": subject.task,
            "classes": list(subject.classes),
            "inputs": subject.inputs,
            "outputs": subject.outputs,
            "size_bytes": subject.size_bytes,
            "parameters": subject.parameters,
            "facts": dict(subject.facts),
        },
        "data": {
            "name": rows.source.name,
            "source": rows.source.source,
            "fingerprint": rows.source.fingerprint,
            "clinical": is_clinical(rows.source.source),
            "n": len(rows),
            "rows": rows.which,
            "attributes": _attributes(rows),
            "notes": [*warnings, *rows.notes, *subject.notes, *(n for one in sections.values() for n in one.notes)],
        },
        "verdicts": [_verdict(one) for one in verdicts],
        "metrics": {key: asdict(one) for key, one in measured.items()},
        "groups": list(groups),
        **{name: section.document for name, section in sections.items()},
        "alarms": [*map(asdict, subject.checks), *(alarm for one in sections.values() for alarm in one.alarms)],
        "ledger": ledger,
        "environment": {**environment(), "calibration_kernel_seconds": calibration_kernel()},
        "artifacts": ARTIFACTS,
    }


def audit_command(model: str, data: str | None, options: Mapping[str, object]) -> str:
    """Return the command line that makes this audit again; options that are None, empty or off are left out."""
    words = ["efficienttrust", "audit", model]
    for name, value in {"data": data, **options}.items():
        flag = "--" + REPEATED.get(name, name.replace("_", "-"))
        if not is_given(name, value):
            continue
        if value is True and name != "positive":
            words.append(flag)
        elif name in ("target", *REPEATED) and isinstance(value, list | tuple):
            words += [word for one in value for word in (flag, str(one))]
        else:
            text = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            words += [flag, text]
    return shlex.join(words)


def named(thing: object) -> str:
    """Return how a model or data are named on a command line; `<...>` for what exists in memory only."""
    if isinstance(thing, str | Path):
        return str(thing)
    source = getattr(thing, "source", None)
    return source if isinstance(source, str) else f"<{type(thing).__name__}>"


def _verdict(one: Verdict) -> dict[str, Any]:
    proof = one.certificate
    parts = ("bound", "level", "method", "satisfied", "certifiable", "n", "note")
    return {
        "target": one.target.text,
        **{part: getattr(one, part) for part in ("status", "qualifier", "value", "low", "high", "n", "reason")},
        "certificate": None if proof is None else {part: getattr(proof, part) for part in parts},
    }


def _attributes(rows: Rows) -> dict[str, list[dict[str, Any]]]:
    table: dict[str, list[dict[str, Any]]] = {}
    for attribute, (codes, names) in rows.attributes.items():
        table[attribute] = []
        for code, name in enumerate(names):
            member = codes == code
            known = rows.task == "binary" and bool(member.any())
            rate = float(rows.y[member].mean()) if known else None
            table[attribute].append({"group": name, "n": int(member.sum()), "base_rate": rate})
    return table
