"""What torchrun starts in a test: one process of a fit whose proof is shared; and of counts that are gathered."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
from torch import distributed

from efficienttrust import fit
from efficienttrust.metrics.streaming import Accumulator, gathered
from efficienttrust.training._distributed import Team
from tests.small_problems import FAIR, ROBUST, loans

ROWS = 1001


def counted(rank, size):
    """Return the counts of every size-th of some rows."""
    rng = np.random.default_rng(0)
    y, said, sex = (rng.integers(0, 2, ROWS)[rank::size] for _ in range(3))
    return Accumulator({"sex": ("Female", "Male")}).update(y, said, groups={"sex": sex})


def main(folder):
    """Fit together, and write what each process attacked, and what all have counted."""
    rank, attacked, spread = int(os.environ["RANK"]), [], Team.spread

    def told(team, work, rows):
        """Note how many rows this process attacks of how many."""
        mine = []
        joined = spread(team, lambda share: mine.append(len(share)) or work(share), rows)
        attacked.append((sum(mine), len(rows)))
        return joined

    Team.spread = told
    try:
        run = fit(loans(), budget="time=60 steps", targets=[FAIR, ROBUST], model="mlp")
        run.predictions.to_parquet(folder / "predictions.parquet")
    finally:
        together = gathered(counted(rank, distributed.get_world_size()))
        found = {"attacked": attacked, "counts": together.state()}
        (folder / f"process{rank}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
