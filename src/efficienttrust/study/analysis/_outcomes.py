"""What became of trials, as 0 and 1: feasible, and all targets hit."""

from __future__ import annotations

from typing import Literal

import numpy as np

from efficienttrust.study.analysis._table import Floats, Table

Outcome = Literal["feasible", "hit"]


def outcome_of(table: Table, outcome: Outcome) -> Floats:
    """Return 1 or 0 by trial; NaN where it says nothing.

    A failed trial says nothing. An infeasible one is not feasible and, where targets are asked at all, hits nothing.
    """
    status = np.asarray(table.frame["status"])
    infeasible = status == "infeasible"
    if outcome == "feasible":
        return np.where(infeasible, 0.0, np.where(status == "done", 1.0, np.nan))
    if "hit" not in table.frame:
        return np.full(len(status), np.nan)
    hit = table.figures("hit")
    if not np.isfinite(hit[table.done]).any():
        return np.full(len(status), np.nan)
    return np.where(infeasible, 0.0, np.where(status == "done", hit, np.nan))
