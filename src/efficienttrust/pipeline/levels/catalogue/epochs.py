"""Epochs: a share of the passes over the training rows that the baseline made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from efficienttrust.pipeline.levels._budgets import networks_only, spent
from efficienttrust.pipeline.levels._constraint import Arguments, Constraint, Limited, Measured, constraints
from efficienttrust.pipeline.levels._epochs import training_rows, with_epochs

if TYPE_CHECKING:
    from efficienttrust.pipeline.levels._baseline import Baseline


def _measure(baseline: Baseline) -> Measured:
    networks_only(baseline, "epochs")
    samples = spent(baseline, "samples", "passes over the training rows")
    return Measured(samples / training_rows(baseline), "epochs", "samples of its ledger by its training rows")


def _apply(share: float, measured: Measured, arguments: Arguments, baseline: Baseline) -> Limited:
    return with_epochs(share, measured.value, arguments, baseline)


constraints.register("epochs")(
    Constraint(
        "epochs",
        "The level is a share of the passes over the training rows that the baseline made; with fewer rows (see data) "
        "a pass is shorter.",
        ("budget.time",),
        _measure,
        _apply,
    )
)
