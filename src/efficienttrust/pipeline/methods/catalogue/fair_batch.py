"""FairBatch (Roh et al. 2021): batches are composed by the gaps seen last."""

from __future__ import annotations

from collections.abc import Sequence

from efficienttrust.data import Problem
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline.methods._method import MethodResult, fitted, fixed, methods
from efficienttrust.resources import Budget

STEP = 0.1  # by which the composition moves


@methods.register("fair_batch")
def fair_batch(problem: Problem, budget: Budget, targets: Sequence[Target], seed: int) -> MethodResult:
    """Train on batches composed by the gaps."""
    return fitted(
        "fair_batch",
        "training on batches that are composed by the gaps seen last",
        problem,
        budget,
        targets,
        seed,
        policy=fixed(fair_batch=STEP),
    )
