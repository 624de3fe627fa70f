"""What an estimated frontier of bundled data costs, scores and bootstrap included."""

from __future__ import annotations

import time

from efficienttrust.data import load_problem
from efficienttrust.theory._estimated_frontier import estimated_frontier

DATA = (("adult", "sex"), ("compas", "race"))
SHOWN = (0.0, 0.02, 0.05, 0.1)


def run(quick: bool) -> list[str]:
    lines = [
        "## Estimated frontiers of bundled data",
        "",
        (
            "All rows but test, 5 folds, the better of logistic regression and boosted trees by held-out log loss, 500 "
            "bootstrap draws, 95 % pointwise, demographic parity, seed 0. Highest accuracy at each allowed gap (band)."
        ),
        "",
        f"| data | the group may be read | model | {' | '.join(f'gap {gap:g}' for gap in SHOWN)} | CPU s | aim |",
        f"|---|---|---|{'---|' * len(SHOWN)}---|---|",
    ]
    for name, sensitive in DATA[1:] if quick else DATA:
        problem = load_problem(name, sensitive=sensitive, seed=0)
        for attribute in ("aware", "blind"):
            start = time.process_time()
            found = estimated_frontier(problem, attribute=attribute, deltas=SHOWN)
            spent = time.process_time() - start
            cells = [
                f"{value:.4f} ({low:.4f}-{high:.4f})"
                for value, low, high in zip(found.accuracy.value, found.low, found.high, strict=True)
            ]
            aim = "≤ 30" if name == "adult" else ""
            reads = "yes" if attribute == "aware" else "no"
            lines.append(
                f"| {name}, {sensitive} | {reads} | {found.accuracy.details['model']} | {' | '.join(cells)} "
                f"| {spent:.1f} | {aim} |"
            )
    return lines
