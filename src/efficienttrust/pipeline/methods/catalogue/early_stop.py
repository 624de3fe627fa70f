"""Plain training until the budget ends: the naive answer to a limit on time."""

from __future__ import annotations

from efficienttrust.pipeline.methods._method import BEFORE, MethodRequest, MethodResult, fitted, fixed, methods


@methods.register("early_stop")
def early_stop(request: MethodRequest) -> MethodResult:
    """Train plainly, as long as the budget lasts."""
    return fitted(
        "early_stop",
        "plain training, cut by the budget",
        request,
        stage=BEFORE,
        policy=fixed(),
    )
