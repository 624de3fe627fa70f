"""What evaluation costs: attacks, corruptions and fairness metrics, each against the libraries people use for them.

    .venv/bin/python benchmarks/evaluation.py                    # all sections (about 45 minutes)
    .venv/bin/python benchmarks/evaluation.py attacks            # one: attacks, corruptions or fairness
    .venv/bin/python benchmarks/evaluation.py --quick            # shortened; writes nothing

The libraries come with `make peers`. Everything is CPU time on one thread; both sides of a ratio run in one process on
the same inputs, in turns. The tables go to docs/benchmarks/evaluation.md, one section each.
"""

from __future__ import annotations

import argparse
import importlib
from datetime import UTC, datetime
from pathlib import Path

import torch
from training import installed, write_section

from efficienttrust.resources import calibration_kernel, environment

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "evaluation.md"
TITLE = "# Evaluation: speed against other libraries\n\n"
SECTIONS = ("attacks", "corruptions", "fairness")
PEERS = ("foolbox", "torchattacks", "adversarial-robustness-toolbox", "imagecorruptions", "fairlearn")


def main() -> None:
    """Run the sections asked for and write them."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("sections", nargs="*", metavar="SECTION", help=f"{', '.join(SECTIONS)}; all by default")
    arguments.add_argument("--quick", action="store_true", help="a short trial; writes nothing")
    given = arguments.parse_args()
    if unknown := set(given.sections) - set(SECTIONS):
        arguments.error(f"unknown section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    torch.set_num_threads(1)
    for name in given.sections or SECTIONS:
        lines = machine() + importlib.import_module(f"_evaluation_{name}").run(given.quick)
        text = "\n".join(lines)
        print(text)
        if not given.quick:
            write_section(name, text, page=PAGE, title=TITLE)


def machine() -> list[str]:
    """Return one line on machine, versions and load, for the head of a section."""
    facts = environment()
    versions = {**facts["versions"], **{name: installed(name) for name in PEERS}}
    text = (
        f"_{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {facts['processor']}, {facts['cores_available']} cores; Python "
        f"{facts['python']}; {', '.join(f'{name} {number}' for name, number in versions.items())}; load "
        f"{facts['load_average'][0]} before; calibration kernel {1000 * calibration_kernel():.1f} ms_"
    )
    return [text, ""]


if __name__ == "__main__":
    main()
