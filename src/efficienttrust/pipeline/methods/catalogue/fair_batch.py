"""FairBatch (Roh et al. 2021): batches are composed by the gaps seen last."""

from __future__ import annotations

from efficienttrust.pipeline.methods._method import MethodRequest, MethodResult, fitted, fixed, methods

STEP = 0.1  # by which the composition moves


@methods.register("fair_batch")
def fair_batch(request: MethodRequest) -> MethodResult:
    """Train on batches composed by the gaps."""
    return fitted(
        "fair_batch",
        "training on batches that are composed by the gaps seen last",
        request,
        policy=fixed(fair_batch=STEP),
    )
