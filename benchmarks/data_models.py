"""What data and models cost and reach: one section for each question of the issue, on generated or shared data.

    .venv/bin/python benchmarks/data_models.py             # all sections
    .venv/bin/python benchmarks/data_models.py mimic       # one
    .venv/bin/python benchmarks/data_models.py --quick     # shortened; writes nothing

Both sides of a ratio run in one process, in turns. The tables go to docs/benchmarks/data_models.md, one section each.
"""

from __future__ import annotations

import argparse
import importlib
from datetime import UTC, datetime
from pathlib import Path

from training import installed, write_section

from efficienttrust.resources import calibration_kernel, environment

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "data_models.md"
TITLE = "# Data and models: speed and quality\n\n"
SECTIONS = ("speed", "mimic")
"""Each is the module `_data_models_NAME`, whose `run(quick)` returns lines of Markdown."""
PACKAGES = ("polars", "pyarrow")


def main() -> None:
    """Run the sections asked for and write them."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("sections", nargs="*", metavar="SECTION", help=f"{', '.join(SECTIONS)}; all by default")
    arguments.add_argument("--quick", action="store_true", help="a short trial; writes nothing")
    given = arguments.parse_args()
    if unknown := set(given.sections) - set(SECTIONS):
        arguments.error(f"unknown section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    for name in given.sections or SECTIONS:
        lines = machine() + importlib.import_module(f"_data_models_{name}").run(given.quick)
        text = "\n".join(lines)
        print(text)
        if not given.quick:
            write_section(name, text, page=PAGE, title=TITLE)


def machine() -> list[str]:
    """Return one line on machine, versions and load, for the head of a section."""
    facts = environment()
    versions = {**facts["versions"], **{name: installed(name) for name in PACKAGES}}
    text = (
        f"_{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {facts['processor']}, {facts['cores_available']} cores; Python "
        f"{facts['python']}; {', '.join(f'{name} {number}' for name, number in versions.items())}; load "
        f"{facts['load_average'][0]} before; calibration kernel {1000 * calibration_kernel():.1f} ms_"
    )
    return [text, ""]


if __name__ == "__main__":
    main()
