"""Weights that make group and label independent (Kamiran and Calders 2012)."""

from __future__ import annotations

from efficienttrust.pipeline.methods._method import MethodRequest, MethodResult, fitted, fixed, methods


@methods.register("reweighing")
def reweighing(request: MethodRequest) -> MethodResult:
    """Train on reweighted rows."""
    return fitted(
        "reweighing",
        "training on rows weighted so that group and label are independent",
        request,
        policy=fixed(reweighing=1.0),
    )
