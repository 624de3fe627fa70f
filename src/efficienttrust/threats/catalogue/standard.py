"""The standard cascade: for each row the worst of all attacks, each run on what still stands."""

from __future__ import annotations

from efficienttrust.threats._attack import Attack, attacks

attacks.register("standard")(
    Attack(
        "standard",
        "worst per row of PGD, Auto-PGD on two losses (untargeted, then targeted), coordinate search and Square, each "
        "on what still stands (after AutoAttack, Croce and Hein 2020: without FAB, with PGD and coordinate search)",
        needs_gradient=True,
        stages=("pgd", "apgd_ce", "apgd_t", "coordinate", "square"),
    )
)
