"""Calibration error before and after, by group: a quantisation can keep decisions and still distort probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from efficienttrust.data import Problem
from efficienttrust.evaluation.harm._answers import Answers, Array, Pair
from efficienttrust.evaluation.harm._groups import group_rows
from efficienttrust.metrics import Estimate
from efficienttrust.metrics.calibration import HOW, ROWS_PER_BIN, calibration_of
from efficienttrust.metrics.chance import chance_note
from efficienttrust.metrics.intervals import percent


@dataclass(frozen=True)
class CalibrationRow:
    """Expected calibration error (15 bins of equal mass, fewer for few rows) of a set of rows.

    Attributes:
        by: The attribute; "" for all together, or for all rows.
        group: Name of the group, "" for all rows.
        n: Rows.
        before: Error of the dense model; NaN for fewer than ten rows.
        after: Error of the compressed model. Both rest on the same rows; their difference has no interval here.
    """

    by: str
    group: str
    n: int
    before: Estimate
    after: Estimate


def calibration_rows(problem: Problem, pair: Pair, asked: Sequence[str], level: float) -> tuple[CalibrationRow, ...]:
    """Return calibration errors of all rows, then of the groups of each partition; nothing for a regression."""
    if not pair.decides:
        return ()
    listed = [("", "", np.arange(len(pair)))]
    for by in asked:
        listed += [(by, name, rows) for name, rows in group_rows(problem, pair, by)]
    return tuple(
        CalibrationRow(
            by, name, len(rows), _error(pair, pair.before, rows, level), _error(pair, pair.after, rows, level)
        )
        for by, name, rows in listed
    )


def _error(pair: Pair, answers: Answers, rows: Array, level: float) -> Estimate:
    n = len(rows)
    if n < ROWS_PER_BIN or (pair.split.weight is not None and not pair.split.weight[rows].any()):
        return Estimate.missing(n, f"fewer than {ROWS_PER_BIN} rows ({n}): no bin can be filled")
    found, tail = calibration_of(pair.outcome(answers), rows), (1 - level) / 2
    low, high = found.ends(tail, tail)
    note = chance_note(found.error, found.error - found.corrected())
    return Estimate(found.error, min(low, found.error), max(high, found.error), n, f"{HOW} {percent(level)}", note)
