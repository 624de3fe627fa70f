"""Data: a share of the rows to learn from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from efficienttrust.data.limitations import Limitation, parse_limitation
from efficienttrust.pipeline.levels._constraint import Arguments, Constraint, Limited, Measured, constraints
from efficienttrust.pipeline.levels._epochs import training_rows

if TYPE_CHECKING:
    from efficienttrust.pipeline.levels._baseline import Baseline

FEWER_ROWS = "fewer_rows"


def _measure(baseline: Baseline) -> Measured:
    return Measured(float(training_rows(baseline)), "training rows", "counted in the baseline's train split")


def _apply(share: float, measured: Measured, arguments: Arguments, baseline: Baseline) -> Limited:
    given = [parse_limitation(text) for text in arguments.get("limitations") or ()]
    kept = share
    for limitation in given:
        if limitation.name == FEWER_ROWS:
            kept *= 1 - limitation.level
    fewer = Limitation(FEWER_ROWS, round(1 - kept, 12)).text
    others = [limitation.text for limitation in given if limitation.name != FEWER_ROWS]
    return Limited({**arguments, "limitations": (fewer, *others)}, fewer)


constraints.register("data")(
    Constraint(
        "data",
        "The level is a share of the rows that the baseline learned from; the others are removed at random, the same "
        "share of every class within every group, from the splits train, monitor and calibrate.",
        ("limitations",),
        _measure,
        _apply,
    )
)
