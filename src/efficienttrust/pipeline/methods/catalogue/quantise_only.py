"""A quantised network, trained plainly: a limit on size and nothing else in mind."""

from __future__ import annotations

from collections.abc import Sequence

from efficienttrust.data import Problem
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline.methods._method import BEFORE, MethodResult, fitted, fixed, methods
from efficienttrust.resources import Budget
from efficienttrust.training import Settings

QUANTISATION = "int8"


@methods.register("quantise_only")
def quantise_only(problem: Problem, budget: Budget, targets: Sequence[Target], seed: int) -> MethodResult:
    """Train plainly and quantise at the end."""
    return fitted(
        "quantise_only",
        "plain training and whole numbers of 8 bits",
        problem,
        budget,
        targets,
        seed,
        stage=BEFORE,
        policy=fixed(),
        settings=Settings(quantize=QUANTISATION),
    )
