"""Small networks of every kind that is quantised, with rows that they read."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from efficienttrust.compression import ModuleScorer, NetworkScorer
from efficienttrust.models import Inputs, build_mlp, make_network
from efficienttrust.training import described

STEPS, CHANNELS, STATICS = 6, 3, 4


def mlp(widths: tuple[int, ...] = (64, 32), features: int = 40) -> NetworkScorer:
    return NetworkScorer(build_mlp(n_features=features, widths=widths, seed=0).layers())


def rows_of(scorer: NetworkScorer | ModuleScorer, n: int, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    shape = scorer.shape if isinstance(scorer, ModuleScorer) else (scorer.n_features,)
    if len(shape) == 3:
        return rng.random((n, *shape)).astype(np.float32)
    rows = rng.normal(size=(n, *shape)).astype(np.float32)
    if isinstance(scorer, ModuleScorer) and "grid" in scorer.inputs:
        cells = STEPS * CHANNELS
        rows[:, cells : 2 * cells] = rng.random((n, cells)) < 0.3
    return rows


@functools.cache  # as its export is kept beside the module, and takes seconds
def module(name: str, outputs: int = 1, **options: object) -> ModuleScorer:
    """An untrained network by name: an image network, or one of sequences."""
    if name.startswith("resnet"):
        inputs = Inputs("image", (3, 16, 16))
    else:
        cells = STEPS * CHANNELS
        grid = np.arange(cells).reshape(STEPS, CHANNELS)
        inputs = Inputs("sequence", (2 * cells + STATICS,), cells, np.arange(cells, 2 * cells), (), grid)
    made = make_network(name, inputs, outputs, seed=1, **options).eval()
    for parameter in made.parameters():
        parameter.requires_grad_(False)
    if hasattr(made, "direct"):  # starts at zero: then nothing of it would be seen
        made.direct.weight.normal_(0, 0.1)
    return ModuleScorer(made, inputs.shape, outputs, name, options, described(inputs))
