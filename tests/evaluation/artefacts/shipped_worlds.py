"""Small images and tables, and the models on them whose worst case is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from torch import nn

from efficienttrust.data import Problem, load_problem
from efficienttrust.data.images import ImageSet
from efficienttrust.evaluation.subjects import Rows, image_rows, table_rows

SHAPE = (2, 3, 3)
CELLS = 18


def images(n: int = 200, k: int = 3, seed: int = 0) -> Rows:
    """Return grey-ish images far from black and white, so that no ball is cut by the box."""
    rng = np.random.default_rng(seed)
    x = rng.integers(90, 166, (n, *SHAPE), dtype=np.uint8)
    y = np.arange(n) % k
    nobody = np.full(n, -1)
    names = tuple(f"class {code}" for code in range(k))
    return image_rows(ImageSet("grey", "<grey>", "all", x, y, names, nobody, (), {}, False, (), ""))


def linear(k: int = 3, seed: int = 0) -> nn.Sequential:
    """Return a linear model whose decisions on `images` are mixed."""
    generator = torch.Generator().manual_seed(seed)
    layer = nn.Linear(CELLS, k)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(k, CELLS, generator=generator))
        layer.bias.copy_(-layer.weight @ torch.full((CELLS,), 0.5))
    return nn.Sequential(nn.Flatten(), layer)


def labelled(rows: Rows, model: nn.Module, flipped: int = 10) -> Rows:
    """Return the rows with the model's own decisions as labels, but for a few."""
    import dataclasses

    with torch.no_grad():
        z = model(torch.from_numpy(rows.x))
    y = z.argmax(1).numpy() if z.ndim == 2 else (z > 0).long().numpy()
    y[:flipped] = (y[:flipped] + 1) % len(rows.classes)
    return dataclasses.replace(rows, y=y)


def table(n: int = 400, seed: int = 0, **settings: object) -> Problem:
    """Return two continuous columns, two that count things, one of them with gaps, and a text one."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "income": rng.normal(30, 8, n),
            "debt": rng.normal(10, 3, n),
            "age": rng.integers(18, 80, n).astype(float),
            "children": rng.integers(0, 5, n),
            "housing": rng.choice(["own", "rent"], n),
            "sex": rng.choice(["F", "M"], n),
        }
    )
    logit = 0.2 * (frame["income"] - 30) - 0.3 * (frame["debt"] - 10) + 0.5 * (frame["housing"] == "own")
    frame.loc[::13, "age"] = np.nan
    frame["approved"] = np.where(rng.random(n) < 1 / (1 + np.exp(-logit)), "yes", "no")
    return load_problem(frame, label="approved", positive="yes", sensitive="sex", **settings)


def all_rows(problem: Problem) -> Rows:
    return table_rows(problem, "all")
