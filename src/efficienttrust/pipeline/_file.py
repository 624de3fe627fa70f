"""The exported file, whatever the rows are: raw columns of a table, or images."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from efficienttrust.compression import (
    Decision,
    DeployedImages,
    DeployedModel,
    ModuleScorer,
    QuantisedScorer,
    Scorer,
    export_images,
    export_onnx,
    parent_of,
)
from efficienttrust.data import Problem
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.suite import File

TIMED_IMAGES = 64
COMPARED, FEWEST_COMPARED = 64, 8  # rows on which a file is compared with its float parent
COMPARED_CELLS = 2**21  # of them: large images take long to decode
ROUNDING = 1e-4  # how far scores may lie apart: float32 explains it,
ROUNDING_SHARE = 1e-3  # and as a share of their spread


def export_file(problem: Problem, scorer: Scorer, decision: Decision, metadata: Mapping[str, str]) -> bytes:
    """Return the content of the file of a model with its decision rule.

    Raises:
        UsageError: The file of a torch module does not answer as the module does, which exporters do not notice: what
            a forward pass computes outside torch, or draws at random, becomes a constant. Or a row's answer depends on
            the other rows of the batch.
    """
    if problem.kind == "image":
        assert isinstance(scorer, ModuleScorer | QuantisedScorer), "only modules read images"
        content = export_images(scorer, decision, problem.classes, metadata=metadata)
    else:
        content = export_onnx(
            None, problem.encoder, scorer, decision, attributes=problem.attributes, group_names=problem.group_names,
            task=problem.task, classes=problem.classes if problem.task == "multiclass" else (), metadata=metadata,
        )  # fmt: skip
    if isinstance(scorer, ModuleScorer | QuantisedScorer):
        _refuse_another(problem, scorer, content)
    return content


def open_file(problem: Problem, content: bytes) -> File:
    """Open a file that was exported for a problem."""
    return DeployedImages(content) if problem.kind == "image" else DeployedModel(content)


def _refuse_another(problem: Problem, scorer: ModuleScorer | QuantisedScorer, content: bytes) -> None:
    """Raise `UsageError` where a file and its float parent disagree on training rows by more than rounding."""
    train = problem.splits["train"]
    cells = max(int(np.prod(scorer.shape)), 1)
    rows = slice(0, max(FEWEST_COMPARED, min(COMPARED, COMPARED_CELLS // cells)))
    file, inputs = open_file(problem, content), train.inputs(rows)
    answer = file.run(inputs) if isinstance(file, DeployedImages) else file.run(problem.inputs.loc[train.rows[rows]])
    if isinstance(scorer, QuantisedScorer):  # whose dynamic scales do depend on the batch, which is said elsewhere
        parent = _scores(problem, scorer.score(inputs))
    else:
        own = _on_cpu(scorer)
        # The first row alone: an answer must not depend on the other rows of a batch.
        parent = _scores(problem, np.concatenate([own.score(inputs[:1]), own.score(inputs[1:])]))
    origin = parent_of(scorer)
    network = origin.network if isinstance(origin, ModuleScorer) else "mlp"
    if not np.isfinite(parent).all():
        wrong = np.count_nonzero(~np.isfinite(parent).reshape(len(parent), -1).all(axis=1))
        raise UsageError(
            f"network {network!r} answers {wrong} of {len(parent)} training rows with NaN or infinite logits; "
            "look for a division by 0, and for the root or logarithm of what is below 0"
        )
    unit = origin.scale if isinstance(origin, ModuleScorer) else 1.0  # 1 but for a regression
    apart = float(np.max(np.abs(np.asarray(answer.score, np.float64) - parent), initial=0.0)) / unit
    spread = float(np.max(np.ptp(parent, axis=0), initial=0.0)) / unit if len(parent) else 0.0
    if not apart <= ROUNDING + ROUNDING_SHARE * spread:
        raise UsageError(
            f"network {network!r}: the scores of its ONNX file differ from its own by up to {apart * unit:.3g} "
            f"on {len(parent)} training rows; write its forward pass in torch operations that treat each row alone, "
            "without numpy, state, or chance"
        )


def _on_cpu(scorer: ModuleScorer) -> ModuleScorer:
    """Return a scorer that computes in float32 on the CPU; a GPU may multiply in fewer digits."""
    if next(scorer.module.parameters()).device.type == "cpu":
        return scorer
    return replace(scorer, module=copy.deepcopy(scorer.module).cpu())


def _scores(problem: Problem, z: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return what a file calls the score: a probability, one for each of more than two classes, or a number."""
    if problem.task == "regression":
        return z.astype(np.float64)
    from scipy.special import expit, softmax

    found: NDArray[np.float64] = expit(z.astype(np.float64)) if z.ndim == 1 else softmax(z.astype(np.float64), axis=1)
    return found


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
