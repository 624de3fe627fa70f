"""What data and models cost and reach: one section for each question of the issue, on generated or shared data.

    .venv/bin/python benchmarks/data_models.py             # all sections
    .venv/bin/python benchmarks/data_models.py mimic       # one: speed (of training on images) or mimic
    .venv/bin/python benchmarks/data_models.py --quick     # shortened; writes nothing

Both sides of a ratio run in one process, in turns. The tables go to docs/benchmarks/data_models.md, one section each.
"""

from __future__ import annotations

from _sections import run_sections

SECTIONS = ("speed", "mimic")
PACKAGES = ("polars", "pyarrow", "lightning")

if __name__ == "__main__":
    run_sections(__doc__, "data_models", SECTIONS, "Data and models: speed and quality", PACKAGES)
