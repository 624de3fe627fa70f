"""How long a fair-Bayes frontier takes, and how it compares with a generic solver of linear programs.

    .venv/bin/python benchmarks/theory.py                       # about 3 minutes; writes docs/benchmarks/theory.md
    .venv/bin/python benchmarks/theory.py --quick               # smaller; writes nothing
    .venv/bin/python benchmarks/theory.py speed                 # one section

CPU time on one thread (set OMP_NUM_THREADS=1). Both sides of a ratio run in one process, on the same arrays.
"""

from __future__ import annotations

from _sections import run_sections

if __name__ == "__main__":
    run_sections(__doc__, "theory", ("speed", "solver", "estimate"), "Theory: what limits cost to compute", ("scipy",))
