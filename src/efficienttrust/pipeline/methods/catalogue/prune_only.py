"""A pruned network, trained plainly: a limit on size and nothing else in mind."""

from __future__ import annotations

from collections.abc import Sequence

from efficienttrust.data import Problem
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline.methods._method import BEFORE, MethodResult, fitted, fixed, methods
from efficienttrust.resources import Budget
from efficienttrust.training import Settings

PRUNING = "gradual:0.8"


@methods.register("prune_only")
def prune_only(problem: Problem, budget: Budget, targets: Sequence[Target], seed: int) -> MethodResult:
    """Train plainly and prune on the way."""
    return fitted(
        "prune_only",
        "plain training with gradual magnitude pruning",
        problem,
        budget,
        targets,
        seed,
        stage=BEFORE,
        policy=fixed(),
        settings=Settings(prune=PRUNING),
    )
