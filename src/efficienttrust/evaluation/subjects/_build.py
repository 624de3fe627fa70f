"""From something that runs to a `Subject`: its output is read on the rows under audit, then it is checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from efficienttrust.evaluation.subjects._checks import check_answers
from efficienttrust.evaluation.subjects._numbers import number_reading
from efficienttrust.evaluation.subjects._outputs import Reading, make_reading
from efficienttrust.evaluation.subjects._rows import Rows
from efficienttrust.evaluation.subjects._subject import Check, Model, Subject, run_in_chunks, sample_rows

READ_ON = 4096
"""Rows on which numbers are read, at most; spread evenly. Decisions of the model's own are compared on all rows."""


def read_outputs(model: Model, rows: Rows) -> Reading:
    """Settle how a model's output is read, from what it says on the rows under audit."""
    said = run_in_chunks(model, rows.take(sample_rows(len(rows), READ_ON)).inputs)
    if said.labels is not None and len(said) < len(rows):
        said = run_in_chunks(model, rows.inputs)
    if rows.task == "regression":
        return number_reading(said, rows.problem.label)
    return make_reading(said, rows.classes, negative_is_rest(rows))


def build_subject(
    model: Model,
    rows: Rows,
    *,
    name: str,
    source: str,
    kind: Literal["onnx", "sklearn", "torch", "run", "callable"],
    inputs: str,
    encoded: bool,
    size_bytes: int | None,
    parameters: int | None,
    reading: Reading | None = None,
    float_parent: Any = None,
    facts: Mapping[str, str] | None = None,
    checks: tuple[Check, ...] = (),
    notes: tuple[str, ...] = (),
    artefact: Any = None,
) -> Subject:
    """Return the subject around something that runs.

    Raises:
        UsageError: It answers NaN, or with another shape or other labels than the data have.
    """
    reading = reading or read_outputs(model, rows)
    return Subject(
        name=name,
        source=source,
        kind=kind,
        task=rows.task,
        classes=rows.classes,
        outputs=reading.kind,
        inputs=inputs,
        encoded=encoded,
        size_bytes=size_bytes,
        parameters=parameters,
        float_parent=float_parent,
        model=model,
        reading=reading,
        facts={**(facts or {}), **reading.facts},
        checks=(*checks, *check_answers(model, rows)),
        notes=tuple(note for note in (*notes, *reading.notes) if note),
        artefact=artefact,
    )


def negative_is_rest(rows: Rows) -> bool:
    """Return whether class 0 of the data stands for all values of the label but the positive one."""
    return rows.kind == "table" and rows.classes[0] == f"not {rows.classes[1]}"
