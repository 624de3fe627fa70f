"""TRADES (Zhang et al. 2019): the answers at attacked rows are drawn to those at clean ones."""

from __future__ import annotations

from efficienttrust.pipeline.methods._method import MethodRequest, MethodResult, fitted, fixed, methods

BETA = 6.0  # of the paper
STEPS = 10.0


@methods.register("trades")
def trades(request: MethodRequest) -> MethodResult:
    """Train with the distance between clean and attacked answers."""
    return fitted(
        "trades",
        "TRADES on whole batches",
        request,
        policy=fixed(adversarial_share=1.0, attack="pgd", attack_steps=STEPS, trades=BETA),
    )
