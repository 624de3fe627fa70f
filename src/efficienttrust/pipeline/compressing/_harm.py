"""Whom a compression hurt: what both files said on the test rows, and the bound on what could have flipped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from efficienttrust.compression import DeployedModel, ModuleScorer, NetworkScorer
from efficienttrust.data import Problem
from efficienttrust.evaluation.harm import Answers, compare
from efficienttrust.pipeline._origin import file_of
from efficienttrust.pipeline._run import Run

IMAGES_AT_ONCE = 256


def harm_of(
    problem: Problem, dense: Sequence[Run], compressed: Run, parent: NetworkScorer | ModuleScorer
) -> dict[str, Any]:
    """Return the entries `harm` and `flip_bound` of `document["compression"]`.

    Args:
        problem: The problem.
        dense: The dense ensemble, the run that was compressed first.
        compressed: The compressed run.
        parent: The dense float network.
    """
    del parent
    answers = [_answers(problem, run) for run in dense]
    return {"harm": compare(problem, "test", answers, _answers(problem, compressed)).to_dict(), "flip_bound": None}


def _answers(problem: Problem, run: Run) -> Answers:
    """Return what the file of a run says on the test rows."""
    file, part = file_of(run), problem.splits["test"]
    if isinstance(file, DeployedModel):
        said = file.run(problem.raw("test"))
        return Answers(said.decision, said.margin, said.score)
    starts = range(0, len(part), IMAGES_AT_ONCE)
    parts = [file.run(part.inputs(slice(start, start + IMAGES_AT_ONCE))) for start in starts]
    joined = [np.concatenate([getattr(one, name) for one in parts]) for name in ("decision", "margin", "score")]
    return Answers(*joined)
