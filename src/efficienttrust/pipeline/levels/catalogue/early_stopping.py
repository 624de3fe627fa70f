"""Early stopping: a share of the epoch at which the baseline looked best on its monitor split."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from efficienttrust.errors import UsageError
from efficienttrust.pipeline.levels._budgets import networks_only, spent
from efficienttrust.pipeline.levels._constraint import Arguments, Constraint, Limited, Measured, constraints
from efficienttrust.pipeline.levels._epochs import training_rows, with_epochs

if TYPE_CHECKING:
    from efficienttrust.pipeline.levels._baseline import Baseline


def _measure(baseline: Baseline) -> Measured:
    networks_only(baseline, "early_stopping")
    metric = "r2" if baseline.run.document["problem"].get("task") == "regression" else "accuracy"
    history = baseline.run.history
    seen = np.asarray(history[metric], dtype=np.float64) if metric in history else np.zeros(0)
    if not np.isfinite(seen).any():
        raise UsageError(
            f"level early_stopping: the baseline's history holds no {metric} on the monitor split, as its budget "
            "bought no look at it; give the baseline a larger one, or choose epochs"
        )
    step = int(history["step"].iloc[int(np.nanargmax(seen))])
    if step < 1:
        raise UsageError("level early_stopping: the baseline was best before its first step; choose epochs")
    batch = spent(baseline, "samples", "samples") / spent(baseline, "steps", "steps")
    how = f"step {step}, where {metric} on the monitor split was highest first, at {batch:.4g} samples a step"
    return Measured(step * batch / training_rows(baseline), "epochs", how)


def _apply(share: float, measured: Measured, arguments: Arguments, baseline: Baseline) -> Limited:
    return with_epochs(share, measured.value, arguments, baseline)


constraints.register("early_stopping")(
    Constraint(
        "early_stopping",
        "The level is a share of the epoch at which the baseline was best on its monitor split; the training is "
        "planned to end there, learning rate included; 100 % is the baseline, which did not stop early.",
        ("budget.time",),
        _measure,
        _apply,
    )
)
