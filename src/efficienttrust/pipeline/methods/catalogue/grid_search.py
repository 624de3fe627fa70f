"""Grid search over the multipliers of a fairness constraint (Agarwal et al. 2018) by fairlearn, over plain networks."""

from __future__ import annotations

from efficienttrust.pipeline.methods._method import MethodRequest, MethodResult, fitted, fixed, methods


@methods.register("grid_search")
def grid_search(request: MethodRequest) -> MethodResult:
    """Walk fairlearn's grid with plain networks."""
    return fitted(
        "grid_search",
        "fairlearn's grid of ten multipliers over plain networks; delivered is the best single model",
        request,
        trainer="grid_search",
        policy=fixed(),
    )
