"""APGD on the difference-of-logits ratio, which no rescaling of the logits changes (Croce and Hein 2020)."""

from __future__ import annotations

from efficienttrust.threats._apgd import AutoPGD
from efficienttrust.threats._attack import Attack, attacks

attacks.register("apgd_dlr")(
    Attack(
        "apgd_dlr",
        "Auto-PGD on the difference-of-logits ratio, 100 steps; on the margin below 3 classes (Croce and Hein 2020)",
        needs_gradient=True,
        iteration=AutoPGD("dlr"),
        fewest_classes=3,
    )
)
