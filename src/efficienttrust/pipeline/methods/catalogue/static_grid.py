"""A grid of fixed weights, at the same total budget: the best point on validation is delivered."""

from __future__ import annotations

from efficienttrust.pipeline.methods._method import MethodRequest, MethodResult, fitted, fixed, methods


@methods.register("static_grid")
def static_grid(request: MethodRequest) -> MethodResult:
    """Train each point of a grid in its share of the budget."""
    return fitted(
        "static_grid",
        "twelve fixed settings of lambda_fair and the adversarial share, each in a twelfth of the budget",
        request,
        trainer="static_grid",
        policy=fixed(),
    )
