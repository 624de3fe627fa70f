from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest


def make_loans(n: int = 400, seed: int = 0) -> pd.DataFrame:
    """A small table with a bit of everything: floats, integers, text, booleans, missing cells."""
    rng = np.random.default_rng(seed)
    income = rng.normal(30.0, 8.0, n)
    table = pd.DataFrame(
        {
            "income": income,
            "age": rng.integers(18, 80, n),
            "housing": rng.choice(["own", "rent", "free"], n),
            "employed": rng.random(n) < 0.7,
            "sex": rng.choice(["F", "M"], n),
            "region": rng.choice(["north", "south", "east"], n, p=[0.6, 0.3, 0.1]),
            "approved": np.where(income + rng.normal(0, 8, n) > 30, "yes", "no"),
        }
    )
    table.loc[::11, "income"] = np.nan
    table.loc[::13, "housing"] = None
    return table


@pytest.fixture
def loans() -> pd.DataFrame:
    return make_loans()


@pytest.fixture
def make() -> Callable[..., pd.DataFrame]:
    return make_loans
