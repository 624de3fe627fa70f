"""Plain training without a limit: the cost and the accuracy that everything else is measured by."""

from __future__ import annotations

from collections.abc import Sequence

from efficienttrust.data import Problem
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline.methods._method import BEFORE, MethodResult, fitted, fixed, methods
from efficienttrust.resources import Budget, TimeLimit

NEVER = 1e15  # on any clock: training ends when more of it buys nothing


@methods.register("unconstrained")
def unconstrained(problem: Problem, budget: Budget, targets: Sequence[Target], seed: int) -> MethodResult:
    """Train plainly until more training buys nothing; of the budget only the clock is kept."""
    clock = "wall" if budget.time is None else budget.time.clock
    return fitted(
        "unconstrained",
        "plain training without a limit",
        problem,
        Budget(time=TimeLimit(NEVER, "samples" if clock == "epochs" else clock)),
        targets,
        seed,
        stage=BEFORE,
        asked=budget,
        policy=fixed(),
    )
