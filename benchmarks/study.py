"""What a study costs beside its trainings, and how many trials an hour it runs, compared with a grid written by hand.

    .venv/bin/python benchmarks/study.py                        # about 10 minutes; writes docs/benchmarks/study.md
    .venv/bin/python benchmarks/study.py trials                 # one section
    .venv/bin/python benchmarks/study.py --quick                # smaller; writes nothing

Wall-clock time counts here, as it is two cores that are to be kept busy: run it on a machine that does nothing else.
Every side is a tree of processes that this script starts, and its CPU time is that of the whole tree, servers and
workers included. Sides of a ratio take turns.
"""

from __future__ import annotations

from _sections import run_sections

SECTIONS = ("trials", "overhead", "ray", "plan", "writers", "analysis")
PACKAGES = ("skorch", "joblib", "ray", "sqlalchemy")

if __name__ == "__main__":
    run_sections(
        __doc__, "study", SECTIONS, "Studies: trials an hour, and what a trial costs beside training", PACKAGES
    )
