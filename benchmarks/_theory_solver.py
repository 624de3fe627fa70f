"""The same frontier by scipy's HiGHS as a generic linear program with one variable per row."""

from __future__ import annotations

import time

import numpy as np
from _theory_speed import rows
from scipy.optimize import linprog
from scipy.sparse import csr_array, hstack, vstack

from efficienttrust.theory.catalogue.fair_bayes_frontier import fair_bayes_frontier

ROWS, DELTA, AIM = 100_000, 0.05, 50
TOLERANCES = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}


def run(quick: bool) -> list[str]:
    n = ROWS // 20 if quick else ROWS
    lines = [
        "## Against a generic solver",
        "",
        (
            f"{n:,} rows, one allowed gap ({DELTA}), scipy's `linprog` (HiGHS, its own choice of method, tolerances "
            "1e-10) on a sparse program with one variable per row; CPU seconds in one process, of ours the median of 5."
        ),
        "",
        "| groups | constraint | ours | HiGHS | ours is faster by | aim | values differ by |",
        "|---|---|---|---|---|---|---|",
    ]
    for k, constraint in ((2, "dp"), (2, "eopp"), (10, "dp"), (2, "eo")):
        scores, _, groups, _ = rows(n, k)
        spent = []
        for _ in range(5):
            start = time.process_time()
            ours = fair_bayes_frontier(scores, None, groups, constraint=constraint, deltas=[DELTA], gaps="max")
            spent.append(time.process_time() - start)
        start = time.process_time()
        theirs = generic(scores, groups, k, constraint)
        other = time.process_time() - start
        ratio = other / np.median(spent)
        lines.append(
            f"| {k} | `{constraint}` | {1000 * np.median(spent):.1f} ms | {other:.2f} s | {ratio:.0f}× | ≥ {AIM}× | "
            f"{abs(ours.accuracy.value[0] - theirs):.0e} |"
        )
    return lines


def generic(scores: np.ndarray, groups: np.ndarray, k: int, constraint: str) -> float:
    """Return the highest accuracy: h in [0, 1] of each row, and where the window of each kind of rate begins."""
    n = len(scores)
    kinds = {"dp": [np.ones(n)], "eopp": [scores], "eo": [1 - scores, scores]}[constraint]
    rates, corners = [], []
    for kind, share in enumerate(kinds):
        size = np.bincount(groups, share, k)
        rates.append(csr_array((share / size[groups], (groups, np.arange(n))), shape=(k, n)))
        corners.append(np.eye(len(kinds))[np.full(k, kind)])
    spent, corner = vstack(rates), csr_array(np.concatenate(corners))
    program = vstack([hstack([spent, -corner]), hstack([-spent, corner])])  # r - u <= delta, u - r <= 0
    found = linprog(
        np.concatenate([-(2 * scores - 1) / n, np.zeros(len(kinds))]),
        A_ub=program,
        b_ub=np.concatenate([np.full(spent.shape[0], DELTA), np.zeros(spent.shape[0])]),
        bounds=(0, 1),
        method="highs",
        options=TOLERANCES,
    )
    return float((1 - scores).mean() - found.fun)
