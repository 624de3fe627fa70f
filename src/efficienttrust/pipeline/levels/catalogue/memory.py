"""Memory: a share of the peak above what the libraries hold once they are imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from efficienttrust.errors import UsageError, in_bytes
from efficienttrust.pipeline.levels._budgets import with_limit
from efficienttrust.pipeline.levels._constraint import Arguments, Constraint, Limited, Measured, constraints
from efficienttrust.resources import memory_floor, scaled_limit

if TYPE_CHECKING:
    from efficienttrust.pipeline.levels._baseline import Baseline


def _measure(baseline: Baseline) -> Measured:
    used = (baseline.run.ledger.get("memory") or {}).get("used")
    if not used:
        raise UsageError("level memory: the baseline has no figure of its memory; measure it again by fit")
    floor = _floor(baseline)
    if used <= floor:
        raise UsageError(
            f"level memory: the baseline's peak of {in_bytes(used)} is not above the {in_bytes(floor)} that the "
            "imported libraries hold, so there is nothing to scale"
        )
    how = f"peak of {in_bytes(used)} less {in_bytes(floor)} of imported libraries"
    return Measured(float(used - floor), "bytes", how)


def _apply(share: float, measured: Measured, arguments: Arguments, baseline: Baseline) -> Limited:
    floor = _floor(baseline)
    return with_limit(arguments, memory=round(scaled_limit(floor, floor + measured.value, share)))


def _floor(baseline: Baseline) -> int:
    """Return the bytes of a process that imported the libraries: as the run recorded them, else measured now."""
    recorded = baseline.run.ledger["memory"].get("floor")
    return int(recorded) if recorded else memory_floor()


constraints.register("memory")(
    Constraint(
        "memory",
        "The level is a share of the peak above what the libraries hold once imported; the limit is that floor and the "
        "share, for the whole process.",
        ("budget.memory",),
        _measure,
        _apply,
    )
)
