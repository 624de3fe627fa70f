"""What evaluation costs: attacks, corruptions and fairness metrics, each against the libraries people use for them.

    .venv/bin/python benchmarks/evaluation.py                    # all sections (about 45 minutes)
    .venv/bin/python benchmarks/evaluation.py attacks            # one: attacks, corruptions or fairness
    .venv/bin/python benchmarks/evaluation.py --quick            # shortened; writes nothing

The libraries come with `make peers`. Everything is CPU time on one thread; both sides of a ratio run in one process on
the same inputs, in turns. The tables go to docs/benchmarks/evaluation.md, one section each.
"""

from __future__ import annotations

import torch
from _sections import run_sections

SECTIONS = ("attacks", "corruptions", "fairness")
PEERS = ("foolbox", "torchattacks", "adversarial-robustness-toolbox", "imagecorruptions", "fairlearn")

if __name__ == "__main__":
    torch.set_num_threads(1)
    run_sections(__doc__, "evaluation", SECTIONS, "Evaluation: speed against other libraries", PEERS)
