"""APGD on the cross entropy (Croce and Hein 2020)."""

from __future__ import annotations

from efficienttrust.threats._apgd import AutoPGD
from efficienttrust.threats._attack import Attack, attacks

attacks.register("apgd_ce", "apgd")(
    Attack(
        "apgd_ce",
        "Auto-PGD on the cross entropy, 100 steps (Croce and Hein 2020)",
        needs_gradient=True,
        iteration=AutoPGD("cross_entropy"),
    )
)
