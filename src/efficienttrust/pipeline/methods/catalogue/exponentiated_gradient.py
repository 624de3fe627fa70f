"""Exponentiated gradient (Agarwal et al. 2018) by fairlearn, over plain networks."""

from __future__ import annotations

from efficienttrust.pipeline.methods._method import MethodRequest, MethodResult, fitted, fixed, methods


@methods.register("exponentiated_gradient")
def exponentiated_gradient(request: MethodRequest) -> MethodResult:
    """Play fairlearn's game with plain networks."""
    return fitted(
        "exponentiated_gradient",
        "exponentiated gradient over plain networks; delivered is the mean logit of its mixture, or its best member",
        request,
        trainer="exponentiated_gradient",
        policy=fixed(),
    )
