"""GroupDRO (Sagawa et al. 2020): the groups that lose most count most."""

from __future__ import annotations

from efficienttrust.pipeline.methods._method import MethodRequest, MethodResult, fitted, fixed, methods

STEP = 0.05  # of the exponentiated weights


@methods.register("group_dro")
def group_dro(request: MethodRequest) -> MethodResult:
    """Train for the groups that lose most."""
    return fitted(
        "group_dro",
        "training that weights groups by their losses",
        request,
        policy=fixed(group_dro=STEP),
    )
