"""Tables as the encoder lays them out, for the tests of networks that read them."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import torch

from efficienttrust.models import Inputs


def table(m: int = 500, *, numeric: int = 4, blocks: tuple[int, ...] = (3, 20), seed: int = 0) -> Inputs:
    """Numeric columns, of which the first is mostly one value and the last two have indicators, then blocks."""
    indicators = min(numeric, 2)
    indicator = np.full(numeric, -1)
    indicator[numeric - indicators :] = numeric + np.arange(indicators)
    edges = np.cumsum([numeric + indicators, *blocks]).tolist()
    inputs = Inputs("table", (edges[-1],), numeric, indicator, tuple(itertools.pairwise(edges)))
    return dataclasses.replace(inputs, sample=encoded(inputs, m, seed).numpy())


def encoded(inputs: Inputs, n: int, seed: int = 1) -> torch.Tensor:
    """Draw encoded rows [n, d]."""
    rng = np.random.default_rng(seed)
    x = np.zeros((n, *inputs.shape), dtype=np.float32)
    x[:, : inputs.n_numeric] = rng.normal(size=(n, inputs.n_numeric))
    x[rng.random(n) < 0.8, : min(inputs.n_numeric, 1)] = -0.5
    for feature in inputs.indicator[inputs.indicator >= 0]:
        x[:, feature] = rng.random(n) < 0.1
    for start, stop in inputs.blocks:
        x[np.arange(n), rng.integers(start, stop, n)] = 1
    return torch.from_numpy(x)
