"""Frontiers of a million rows."""

from __future__ import annotations

import time

import numpy as np

from efficienttrust.theory.catalogue.fair_bayes_frontier import fair_bayes_frontier

ROWS, GAPS, REPEATS = 1_000_000, 50, 3
CASES = (
    (2, "dp", "aware"),
    (2, "eopp", "aware"),
    (2, "eo", "aware"),
    (2, "dp", "blind"),
    (10, "dp", "aware"),
    (10, "eopp", "aware"),
    (10, "eo", "aware"),
)
AIMS = {2: 2.0, 10: 20.0}


def rows(n: int, k: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return scores, labels, groups and group probabilities [n, k] of n rows."""
    rng = np.random.default_rng(seed)
    members = rng.dirichlet(np.full(k, 0.5), n)
    groups = (rng.random((n, 1)) > np.cumsum(members[:, :-1], axis=1)).sum(axis=1)
    scores = rng.beta(2, 2 + groups % 3)
    return scores, (rng.random(n) < scores).astype(np.int8), groups, members


def run(quick: bool) -> list[str]:
    n = ROWS // 20 if quick else ROWS
    lines = [
        "## A million rows",
        "",
        (
            f"{n:,} rows with labels (their calibration is measured too), {GAPS} allowed gaps from 0 to 0.5; CPU "
            f"seconds, median of {REPEATS} runs (range)."
        ),
        "",
        "| groups | constraint | the group may be read | CPU s | aim | largest gap of the bounds |",
        "|---|---|---|---|---|---|",
    ]
    for k, constraint, attribute in CASES:
        scores, y, groups, members = rows(n, k)
        spent = []
        for _ in range(REPEATS):
            start = time.process_time()
            found = fair_bayes_frontier(
                scores,
                y,
                groups,
                constraint=constraint,
                deltas=np.linspace(0, 0.5, GAPS),
                attribute=attribute,
                group_probabilities=members if attribute == "blind" else None,
            )
            spent.append(time.process_time() - start)
        gap = found.accuracy.details["duality_gap"].max()
        lines.append(
            f"| {k} | `{constraint}` | {'yes' if attribute == 'aware' else 'no'} | {np.median(spent):.2f} "
            f"({min(spent):.2f}-{max(spent):.2f}) | ≤ {AIMS[k]:g} | {'exact' if gap == 0 else f'{gap:.0e}'} |"
        )
    return lines
