"""What compression is worth: against quantisation by hand, structured pruning as deployed, and limits that are met.

    .venv/bin/python benchmarks/compression.py                    # all sections (about 30 minutes)
    .venv/bin/python benchmarks/compression.py int8               # one: int8, structured or limits
    .venv/bin/python benchmarks/compression.py --quick            # shortened; writes nothing

Everything is CPU time on one thread; both sides of a ratio run in one process on the same rows, in turns. The tables go
to docs/benchmarks/compression.md, one section each. `structured` reads the pictures of CIFAR-10 that lie in
EFFICIENTTRUST_SHARED (a folder with `cifar10/`), or downloads them.
"""

from __future__ import annotations

import torch
from _sections import run_sections

SECTIONS = ("int8", "structured", "limits")

if __name__ == "__main__":
    torch.set_num_threads(1)
    run_sections(__doc__, "compression", SECTIONS, "Compression: as deployed", ())
