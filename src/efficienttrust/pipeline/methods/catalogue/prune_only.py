"""A pruned network, trained plainly: a limit on size and nothing else in mind."""

from __future__ import annotations

from efficienttrust.pipeline.methods._method import BEFORE, MethodRequest, MethodResult, fitted, fixed, methods
from efficienttrust.training import Settings

PRUNING = "gradual:0.8"


@methods.register("prune_only")
def prune_only(request: MethodRequest) -> MethodResult:
    """Train plainly and prune on the way."""
    return fitted(
        "prune_only",
        "plain training with gradual magnitude pruning",
        request,
        stage=BEFORE,
        policy=fixed(),
        settings=Settings(prune=PRUNING),
    )
