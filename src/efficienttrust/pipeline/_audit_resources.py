"""What the model costs to run: time by batch size, parameters, operations, bytes, and energy as an estimate."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.subjects import Rows, Subject
from efficienttrust.pipeline._audit_examination import Examination, Section
from efficienttrust.resources.energy import estimate_energy
from efficienttrust.resources.flops import FlopCount
from efficienttrust.resources.parameters import ParameterCount, count_estimator_parameters
from efficienttrust.resources.peak_memory import PeakMemory, peak_memory
from efficienttrust.resources.section import resource_section
from efficienttrust.resources.throughput import latency_profile

BATCHES = (1, 16, 256)
SECONDS = 0.4
"""Wall seconds per batch size, at most."""


def resources_section(exam: Examination) -> Section:
    """Measure what the model costs as deployed; turning a table into what it takes is done before the clock starts."""
    subject, rows = exam.subject, exam.rows
    batches = [batch for batch in BATCHES if batch <= len(rows)]
    profile = latency_profile(lambda batch: subject.call(_first(rows, batch)), batches, max_seconds=SECONDS)
    notes = ["one thread; turning the table or image into what the model takes is not part of the time"]
    parameters = _parameters(subject)
    energy = estimate_energy(subject.call(_first(rows, batches[-1])), batches[-1], max_seconds=SECONDS)
    document = resource_section(
        latency=profile,
        parameters=parameters,
        size_bytes=subject.size_bytes,
        flops=_flops(subject, rows, notes),
        memory=_memory(subject, _first(rows, batches[-1]), batches[-1], notes),
        energy=energy,
        notes=notes,
    )
    return Section(document)


def _parameters(subject: Subject) -> ParameterCount | None:
    thing = subject.artefact
    if subject.kind == "torch":
        from efficienttrust.models.counting import count_parameters

        return count_parameters(thing)
    if subject.kind in ("onnx", "run"):
        from efficienttrust.resources.onnx_counting import count_onnx_parameters

        return count_onnx_parameters(thing)
    return count_estimator_parameters(thing) if subject.kind == "sklearn" else None


def _flops(subject: Subject, rows: Rows, notes: list[str]) -> FlopCount | None:
    """Count the operations of one row, or say why they cannot be counted."""
    try:
        if subject.kind == "torch":
            from efficienttrust.models.counting import count_flops

            return count_flops(subject.artefact, [subject.model.prepare(_first(rows, 1))])
        if subject.kind in ("onnx", "run"):
            from efficienttrust.resources.onnx_counting import count_onnx_flops

            return count_onnx_flops(subject.artefact, shapes=_shapes(subject, _first(rows, 1)))
    except UsageError as error:
        notes.append(f"operations were not counted: {error}")
        return None
    kind = {"sklearn": "a scikit-learn estimator", "callable": "a function"}[subject.kind]
    notes.append(f"operations were not counted: nobody knows them of {kind}")
    return None


def _memory(subject: Subject, inputs: Any, batch: int, notes: list[str]) -> PeakMemory | None:
    """Answer one batch in a fresh process that holds nothing but the runtime and the file; other kinds have no file."""
    if subject.kind not in ("onnx", "run"):
        notes.append("peak memory was not measured: only an ONNX file can be served by a process of its own")
        return None
    shapes = _shapes(subject, inputs)
    with tempfile.TemporaryDirectory(prefix="efficienttrust-") as folder:
        path = subject.artefact
        if isinstance(path, bytes):
            path = Path(folder) / "model.onnx"
            path.write_bytes(subject.artefact)
        if shapes is None:
            from efficienttrust.compression import DeployedModel

            shapes = {entry.name: (batch, 1) for entry in DeployedModel(path).inputs} if subject.kind == "run" else None
        if shapes is None:
            notes.append("peak memory was not measured: the file takes one row at a time")
            return None
        given = {name: list(shape) for name, shape in shapes.items()}
        found = peak_memory(
            "efficienttrust.compression.serve_once:serve_once", {"path": str(path), "shapes": given}, seconds=60.0
        )
    if found.state == "ok":
        notes.append(f"peak memory is that of a fresh process answering {batch} rows through onnxruntime")
    else:
        notes.append(f"peak memory was not measured ({found.state}): {found.note}")
    return found


def _shapes(subject: Subject, inputs: Any) -> dict[str, tuple[int, ...]] | None:
    """Return the shapes of these rows as a foreign graph takes them; None where the file fixes them itself."""
    one = subject.model.prepare(inputs)
    if not isinstance(one, dict) or getattr(subject.model, "batch", None) is not None:
        return None
    return {name: cells.shape for name, cells in one.items()}


def _first(rows: Rows, batch: int) -> Any:
    return rows.take(np.arange(batch)).inputs
