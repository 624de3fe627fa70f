"""How tight the theory is on real data: every bound beside what was observed.

    .venv/bin/python benchmarks/theory_tightness.py             # all sections
    .venv/bin/python benchmarks/theory_tightness.py flips       # one of them

A section S is the module `_tightness_S`, whose `run()` returns Markdown; the page is
docs/benchmarks/theory_tightness.md. Everything is seeded and on one thread; nothing here is a time.
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

import numpy as np
import torch
from _sections import PAGES
from training import write_section

from efficienttrust.pipeline import Run
from efficienttrust.resources import environment

SECTIONS = sorted(file.stem.removeprefix("_tightness_") for file in Path(__file__).parent.glob("_tightness_*.py"))


def main() -> None:
    """Run the sections that the command line asks for and write each to the page."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("sections", nargs="*", metavar="SECTION", help=f"{', '.join(SECTIONS)}; all by default")
    given = arguments.parse_args()
    if unknown := set(given.sections) - set(SECTIONS):
        arguments.error(f"unknown section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    torch.set_num_threads(1)
    for section in given.sections or SECTIONS:
        text = f"{importlib.import_module(f'_tightness_{section}').run().rstrip()}\n\n{_machine()}"
        print(text, flush=True)
        title = "# Theory: how tight it is\n\nWritten by `benchmarks/theory_tightness.py`.\n\n"
        write_section(section, text, page=PAGES / "theory_tightness.md", title=title)


def layers_of(run: Run) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return `(W [in, out], b [out])` of each layer of a run's network of plain layers, in float64."""
    if hasattr(run.scorer, "layers"):
        pairs = run.scorer.layers
    else:  # `linear` is a module with one layer
        head = run.scorer.module.head
        pairs = [(head.weight.detach().numpy().T, head.bias.detach().numpy())]
    return [(np.asarray(w, dtype=np.float64), np.asarray(b, dtype=np.float64)) for w, b in pairs]


def _machine() -> str:
    facts = environment()
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    return f"_{facts['processor']}, one thread; Python {facts['python']}; {versions}_"


if __name__ == "__main__":
    main()
