"""The exported file, whatever the rows are: raw columns of a table, or images."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from efficienttrust.compression import (
    Decision,
    DeployedImages,
    DeployedModel,
    ModuleScorer,
    Scorer,
    export_images,
    export_onnx,
)
from efficienttrust.data import Problem
from efficienttrust.evaluation.suite import File

TIMED_IMAGES = 64


def export_file(problem: Problem, scorer: Scorer, decision: Decision, metadata: Mapping[str, str]) -> bytes:
    """Return the content of the file of a model with its decision rule."""
    if problem.kind == "image":
        assert isinstance(scorer, ModuleScorer), "only modules read images"
        return export_images(scorer, decision, problem.classes, metadata=metadata)
    return export_onnx(
        None, problem.encoder, scorer, decision, attributes=problem.attributes, group_names=problem.group_names,
        task=problem.task, classes=problem.classes if problem.task == "multiclass" else (), metadata=metadata,
    )  # fmt: skip


def open_file(problem: Problem, content: bytes) -> File:
    """Open a file that was exported for a problem."""
    return DeployedImages(content) if problem.kind == "image" else DeployedModel(content)


def single_row_call(problem: Problem, file: File) -> Callable[[], object]:
    """Return a call that scores one row, to measure latency with."""
    test = problem.splits["test"]
    if isinstance(file, DeployedImages):
        return file.single_row_call(test.inputs(slice(0, 1)))
    return file.single_row_call(problem.inputs.loc[test.rows[:1]])


def rows_per_second(problem: Problem, file: File) -> float:
    """Return how many rows a second the file answers on test rows, conversion included."""
    if isinstance(file, DeployedImages):
        images = problem.splits["test"].inputs(slice(0, TIMED_IMAGES))
        begin = time.perf_counter()
        file.run(images)
        return len(images) / max(time.perf_counter() - begin, 1e-9)
    sample = problem.raw("test")
    begin = time.perf_counter()
    file.run(sample)
    return len(sample) / max(time.perf_counter() - begin, 1e-9)
