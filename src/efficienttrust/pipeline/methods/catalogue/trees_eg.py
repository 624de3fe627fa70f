"""Exponentiated gradient (Agarwal et al. 2018) by fairlearn, over boosted trees."""

from __future__ import annotations

from efficienttrust.pipeline.methods._method import MethodRequest, MethodResult, fitted, methods


@methods.register("trees_eg")
def trees_eg(request: MethodRequest) -> MethodResult:
    """Play fairlearn's game with boosted trees."""
    return fitted(
        "trees_eg",
        "exponentiated gradient over boosted trees; delivered is the mean logit of its mixture, or its best member",
        request,
        trainer="exponentiated_gradient_trees",
    )
