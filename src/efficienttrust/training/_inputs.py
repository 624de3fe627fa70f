"""What a network is told of the rows of a problem."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.data import Encoder, Problem
from efficienttrust.models import Inputs

SAMPLE_ROWS = 4000
SAMPLE_CELLS = 2**23
CELL = re.compile(r"(.+)@(\d+)")


def inputs_of(problem: Problem, seed: int) -> Inputs:
    """Return what a network is told: shapes, what each feature is, and some training rows."""
    train = problem.splits["train"]
    shape = train.inputs(slice(0, 1)).shape[1:]
    most = min(SAMPLE_ROWS, max(1, SAMPLE_CELLS // max(1, int(np.prod(shape)))))
    rows = np.sort(np.random.default_rng(seed).permutation(len(train))[:most])
    sample = train.inputs(rows)
    if problem.kind == "image":
        return Inputs("image", shape, sample=sample)
    domain = problem.domain
    return Inputs(
        "table", shape, n_numeric=len(domain.lower), indicator=domain.indicator, blocks=domain.blocks,
        grid=grid_of(problem.encoder), sample=sample,
    )  # fmt: skip


def grid_of(encoder: Encoder) -> NDArray[np.int64] | None:
    """Return the grid [T, C] of the columns named `VARIABLE@TIME`, feature indices, -1 where there is none.

    Times are ascending numbers; None unless two columns or more are cells of a sequence.
    """
    cells = [(CELL.fullmatch(feature.column), index) for index, feature in enumerate(encoder.numeric)]
    found = [(match[1], int(match[2]), index) for match, index in cells if match is not None]
    if len(found) < 2:
        return None
    names = list(dict.fromkeys(name for name, _, _ in found))
    times = sorted({time for _, time, _ in found})
    grid = np.full((len(times), len(names)), -1, dtype=np.int64)
    for name, time, index in found:
        grid[times.index(time), names.index(name)] = index
    return grid


def described(inputs: Inputs) -> dict[str, Any]:
    """Return plain values from which `inputs_from` makes the same again, but for the sample of rows."""
    return {
        "kind": inputs.kind,
        "shape": list(inputs.shape),
        "n_numeric": inputs.n_numeric,
        "indicator": inputs.indicator.tolist(),
        "blocks": [list(block) for block in inputs.blocks],
        "grid": None if inputs.grid is None else inputs.grid.tolist(),
    }


def inputs_from(values: Mapping[str, Any]) -> Inputs:
    """Return what `described` wrote down; there is no sample."""
    grid = values["grid"]
    return Inputs(
        values["kind"],
        tuple(values["shape"]),
        n_numeric=values["n_numeric"],
        indicator=np.array(values["indicator"], dtype=np.int64),
        blocks=tuple((start, stop) for start, stop in values["blocks"]),
        grid=None if grid is None else np.array(grid, dtype=np.int64),
    )
