"""What goes wrong without an adversary: every corruption at every severity, overall and by group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.errors import UsageError
from efficienttrust.metrics import Outcome, corruption_key, measure, metrics
from efficienttrust.metrics.metric import read_corruption_key
from efficienttrust.pipeline._audit_examination import Examination, Section

CHUNK = 512
"""Images corrupted at a time."""

Right = Mapping[str, NDArray[np.bool_]]


def corruptions_section(exam: Examination) -> Section:
    """Ask the model about corrupted rows; a corruption that it cannot take is a note, never a 0."""
    notes: list[str] = []
    try:
        right = dict(_images(exam, notes) if exam.rows.kind == "image" else _table(exam, notes))
    except UsageError as error:  # images too small or of four channels: no corruption can be measured
        return Section(notes=(f"corruptions were not measured: {error}",))
    if not right:
        return Section(notes=("corruptions were not measured: none applies to these rows", *notes))
    added = Section(outcome={"corrupted": right})
    outcome = exam.outcome([added])
    document = {
        "kind": exam.rows.kind,
        "rows": [_row(outcome, key) for key in right],
        "clean": asdict(measure("accuracy", outcome)),
        "mean_corruption_error": asdict(measure("mean_corruption_error", outcome)),
        "relative_mce": asdict(measure("relative_mce", outcome)),
        "notes": notes,
    }
    return Section(document, added.outcome)


def _row(outcome: Outcome, key: str) -> dict[str, Any]:
    name, severity = read_corruption_key(key)
    arguments = {"name": name, "severity": severity}

    def by_group(metric: str) -> dict[str, Any] | None:
        known = len(outcome.group_names) > 1 and outcome.task in metrics.get(metric).tasks
        return asdict(measure(metric, outcome, arguments)) if known else None

    return {
        "name": name,
        "severity": severity,
        "accuracy": asdict(measure("corruption_accuracy", outcome, arguments)),
        "worst_group": by_group("worst_group_corruption_accuracy"),
        "gap": by_group("corruption_accuracy_gap"),
    }


def _table(exam: Examination, notes: list[str]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    from efficienttrust.threats.corruptions.tables import (
        SEVERITIES,
        corrupted_answers,
        corruption_note,
        table_corruptions,
        table_scale,
    )

    rows, subject = exam.rows, exam.subject
    scale = table_scale(rows.problem)
    frame = rows.inputs.set_axis(rows.row)  # the index decides what befalls a row
    for name in table_corruptions.names():
        if note := corruption_note(name, scale):
            notes.append(note)
            continue
        failed: dict[int, UsageError] = {}
        for severity in SEVERITIES:
            try:
                yield from corrupted_answers(
                    lambda worse: subject.answer(worse).prediction, frame, rows.y, [name], [severity], columns=scale,
                    seed=exam.request.seed,
                ).items()  # fmt: skip
            except UsageError as error:
                failed[severity] = error
        notes += _unmeasured(name, failed, len(SEVERITIES))


def _images(exam: Examination, notes: list[str]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    import torch

    from efficienttrust.threats.corruptions import SEVERITIES, corruption, image_corruptions

    rows, subject = exam.rows, exam.subject
    x, numbers = torch.from_numpy(rows.x), rows.row.tolist()
    size = tuple(x.shape[2:])
    table = corruption(image_corruptions.names()[0], 1, size=size)
    notes.append(f"severities are those of {table.table} ({table.reason})")
    for name in image_corruptions.names():
        failed: dict[int, UsageError] = {}
        for severity in SEVERITIES:
            one = corruption(name, severity, size=size)
            right = np.empty(len(rows), dtype=np.bool_)
            for start in range(0, len(rows), CHUNK):
                part = slice(start, start + CHUNK)
                worse = one(x[part], seed=exam.request.seed, rows=numbers[part]).numpy()
                try:
                    right[part] = subject.answer(worse).prediction == rows.y[part]
                except UsageError as error:  # the model's doing: other corruptions it may well take
                    failed[severity] = error
                    break
            else:
                yield corruption_key(name, severity), right
        notes += _unmeasured(name, failed, len(SEVERITIES))


def _unmeasured(name: str, failed: Mapping[int, UsageError], severities: int) -> list[str]:
    """Return the note about the severities at which a model could not answer, with what it said at the first."""
    if not failed:
        return []
    at = "" if len(failed) == severities else f" at severity {', '.join(map(str, failed))}"
    return [f"{name} was not measured{at}: {next(iter(failed.values()))}"]
