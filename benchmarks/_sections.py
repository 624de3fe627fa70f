"""What benchmarks of several sections share: one page, and the machine at the head of each section."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from training import installed, write_section

from efficienttrust.resources import calibration_kernel, environment

PAGES = Path(__file__).parents[1] / "docs" / "benchmarks"


def run_sections(about: str | None, name: str, sections: Sequence[str], title: str, packages: Sequence[str]) -> None:
    """Run the sections that the command line asks for and write them to `docs/benchmarks/NAME.md`.

    Args:
        about: Text for `--help`.
        name: Of the benchmark; section S is the module `_NAME_S`, whose `run(quick)` returns lines of Markdown.
        sections: Names of the sections.
        title: Of the page.
        packages: Whose versions are named besides those that every environment names.
    """
    arguments = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("sections", nargs="*", metavar="SECTION", help=f"{', '.join(sections)}; all by default")
    arguments.add_argument("--quick", action="store_true", help="a short trial; writes nothing")
    given = arguments.parse_args()
    if unknown := set(given.sections) - set(sections):
        arguments.error(f"unknown section {', '.join(sorted(unknown))}; there are {', '.join(sections)}")
    for section in given.sections or sections:
        lines = [*_machine(packages), *importlib.import_module(f"_{name}_{section}").run(given.quick)]
        text = "\n".join(lines)
        print(text)
        if not given.quick:
            write_section(section, text, page=PAGES / f"{name}.md", title=f"# {title}\n\n")


def _machine(packages: Sequence[str]) -> list[str]:
    """Return one line on machine, versions and load."""
    facts = environment()
    versions = {**facts["versions"], **{name: installed(name) for name in packages}}
    text = (
        f"_{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {facts['processor']}, {facts['cores_available']} cores; Python "
        f"{facts['python']}; {', '.join(f'{name} {number}' for name, number in versions.items())}; load "
        f"{facts['load_average'][0]} before; calibration kernel {1000 * calibration_kernel():.1f} ms_"
    )
    return [text, ""]
