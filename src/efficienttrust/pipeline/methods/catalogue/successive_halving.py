"""Successive halving (Jamieson and Talwalkar 2016) over the grid of fixed weights, at the same total budget."""

from __future__ import annotations

from efficienttrust.pipeline.methods._method import MethodRequest, MethodResult, fitted, fixed, methods


@methods.register("successive_halving")
def successive_halving(request: MethodRequest) -> MethodResult:
    """Train all points for a little, the best for longer."""
    return fitted(
        "successive_halving",
        "successive halving over twelve fixed settings inside the budget",
        request,
        trainer="successive_halving",
        policy=fixed(),
    )
