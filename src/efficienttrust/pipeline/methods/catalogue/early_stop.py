"""Plain training until the budget ends: the naive answer to a limit on time."""

from __future__ import annotations

from collections.abc import Sequence

from efficienttrust.data import Problem
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline.methods._method import BEFORE, MethodResult, fitted, fixed, methods
from efficienttrust.resources import Budget


@methods.register("early_stop")
def early_stop(problem: Problem, budget: Budget, targets: Sequence[Target], seed: int) -> MethodResult:
    """Train plainly, as long as the budget lasts."""
    return fitted(
        "early_stop",
        "plain training, cut by the budget",
        problem,
        budget,
        targets,
        seed,
        stage=BEFORE,
        policy=fixed(),
    )
