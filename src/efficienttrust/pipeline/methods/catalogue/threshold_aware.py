"""Plain training, and a decision threshold for each group (Hardt et al. 2016)."""

from __future__ import annotations

from collections.abc import Sequence

from efficienttrust.data import Problem
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline.methods._method import MethodResult, fitted, fixed, methods
from efficienttrust.resources import Budget


@methods.register("threshold_aware")
def threshold_aware(problem: Problem, budget: Budget, targets: Sequence[Target], seed: int) -> MethodResult:
    """Train plainly, then calibrate to the targets with the true group at prediction."""
    return fitted(
        "threshold_aware",
        "plain training and a threshold for each group, which is read at prediction",
        problem,
        budget,
        targets,
        seed,
        policy=fixed(),
        use_groups_at_prediction=True,
    )
