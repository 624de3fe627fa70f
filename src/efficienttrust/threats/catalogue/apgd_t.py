"""Targeted APGD: the difference-of-logits ratio towards each of the likeliest wrong classes (Croce and Hein 2020)."""

from __future__ import annotations

from efficienttrust.threats._apgd import AutoPGD
from efficienttrust.threats._attack import Attack, attacks

attacks.register("apgd_t")(
    Attack(
        "apgd_t",
        "Auto-PGD towards each of the up to 9 likeliest wrong classes, 100 steps each (Croce and Hein 2020)",
        needs_gradient=True,
        iteration=AutoPGD("targeted_dlr"),
        per_class=True,
        fewest_classes=3,
    )
)
