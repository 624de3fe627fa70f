"""A quantised network, trained plainly: a limit on size and nothing else in mind."""

from __future__ import annotations

from efficienttrust.pipeline.methods._method import BEFORE, MethodRequest, MethodResult, fitted, fixed, methods
from efficienttrust.training import Settings

QUANTISATION = "int8"


@methods.register("quantise_only")
def quantise_only(request: MethodRequest) -> MethodResult:
    """Train plainly and quantise at the end."""
    return fitted(
        "quantise_only",
        "plain training and whole numbers of 8 bits",
        request,
        stage=BEFORE,
        policy=fixed(),
        settings=Settings(quantize=QUANTISATION),
    )
