"""Training time: a share of what the baseline used of its budget."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from efficienttrust.errors import UsageError
from efficienttrust.pipeline.levels._budgets import rounded, with_limit
from efficienttrust.pipeline.levels._constraint import Arguments, Constraint, Limited, Measured, constraints
from efficienttrust.resources import COUNTED_CLOCKS, MEASURED_CLOCKS, TimeLimit

if TYPE_CHECKING:
    from efficienttrust.pipeline.levels._baseline import Baseline


def _measure(baseline: Baseline) -> Measured:
    time = baseline.run.ledger["time"]
    clock, used = str(time["clock"]), float(time["used"])
    if not used > 0:
        raise UsageError("level time: the baseline spent no time; measure it again by fit")
    return Measured(used, f"s {clock}" if clock in MEASURED_CLOCKS else clock, "used of the baseline's budget")


def _apply(share: float, measured: Measured, arguments: Arguments, baseline: Baseline) -> Limited:
    clock, amount = str(baseline.run.ledger["time"]["clock"]), share * measured.value
    if clock in ("steps", "samples"):
        amount = float(max(1, math.floor(amount + 0.5)))
    return with_limit(arguments, time=TimeLimit(amount if clock in COUNTED_CLOCKS else rounded(amount), clock))


constraints.register("time")(
    Constraint(
        "time",
        "The level is a share of the time that the baseline used of its budget, on the same clock, everything up to "
        "the delivered file included.",
        ("budget.time",),
        _measure,
        _apply,
    )
)
