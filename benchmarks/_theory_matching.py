"""Time and memory of the least robust error by matching (T13) at 50,000 rows of 100 columns, on one core."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time

ROWS, COLUMNS, SEED = 50_000, 100, 0
CASES = (("linf", 0.5), ("linf", 1.2), ("linf", 1.5), ("l2", 5.5), ("l2", 6.3), ("l1", 45.0))
"""Norm and eps; from nearly no conflicts to tens of millions."""
ABOUT = (
    "`min_robust_error` on {rows:,} × {columns} standard normal rows with random labels (seed {seed}), one core, one "
    "process a line, whose peak memory is given (imports and rows included). The aim is at most 5 minutes and 4 GB."
)


def run(quick: bool = False) -> str:
    """Return the table as Markdown.

    Args:
        quick: A tenth of the rows.
    """
    rows = ROWS // 10 if quick else ROWS
    lines = [
        ABOUT.format(rows=rows, columns=COLUMNS, seed=SEED),
        "",
        "| norm | eps | conflicts | least error | kind | CPU s | peak GB |",
        "|---|---|---|---|---|---|---|",
    ]
    for norm, eps in CASES:
        command = [sys.executable, __file__, norm, str(eps), str(rows)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        lines.append(done.stdout.strip())
    return "\n".join(lines)


def measure(norm: str, eps: float, rows: int) -> str:
    """Return one line of the table."""
    import numpy as np

    from efficienttrust.theory.catalogue.matching import min_robust_error

    rng = np.random.default_rng(SEED)
    x, y = rng.normal(size=(rows, COLUMNS)), rng.integers(0, 2, rows)
    start = time.process_time()
    bound = min_robust_error(x, y, eps, norm)  # type: ignore[arg-type]
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return (
        f"| {norm} | {eps:g} | {bound.details['conflicts']:,} | {bound.value:.4f} | {bound.kind} | {seconds:.1f} | "
        f"{peak:.2f} |"
    )


if __name__ == "__main__":
    if len(sys.argv) == 4:
        print(measure(sys.argv[1], float(sys.argv[2]), int(sys.argv[3])))
    else:
        print(run("--quick" in sys.argv))
