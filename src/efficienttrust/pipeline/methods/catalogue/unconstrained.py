"""Plain training without a limit: the cost and the accuracy that everything else is measured by."""

from __future__ import annotations

from efficienttrust.pipeline.methods._method import BEFORE, MethodRequest, MethodResult, fitted, fixed, methods
from efficienttrust.resources import Budget, TimeLimit

NEVER = 1e15  # on any clock: training ends when more of it buys nothing


@methods.register("unconstrained")
def unconstrained(request: MethodRequest) -> MethodResult:
    """Train plainly until more training buys nothing; of the budget only the clock is kept."""
    clock = "wall" if request.budget.time is None else request.budget.time.clock
    return fitted(
        "unconstrained",
        "plain training without a limit",
        request,
        stage=BEFORE,
        budget=Budget(time=TimeLimit(NEVER, "samples" if clock == "epochs" else clock)),
        policy=fixed(),
    )
