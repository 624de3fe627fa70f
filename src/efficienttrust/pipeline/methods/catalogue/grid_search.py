"""Grid search over the multipliers of a fairness constraint (Agarwal et al. 2018) by fairlearn, over plain networks."""

from __future__ import annotations

from collections.abc import Sequence

from efficienttrust.data import Problem
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline.methods._method import MethodResult, fitted, fixed, methods
from efficienttrust.resources import Budget


@methods.register("grid_search")
def grid_search(problem: Problem, budget: Budget, targets: Sequence[Target], seed: int) -> MethodResult:
    """Walk fairlearn's grid with plain networks."""
    return fitted(
        "grid_search",
        "fairlearn's grid of ten multipliers over plain networks; delivered is the best single model",
        problem,
        budget,
        targets,
        seed,
        trainer="grid_search",
        policy=fixed(),
    )
