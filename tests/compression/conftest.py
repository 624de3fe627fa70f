from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from efficienttrust.compression import NetworkScorer
from efficienttrust.data import CategoricalFeature, Encoder, NumericFeature

CARDINALITIES = {
    "workclass": 9,
    "education": 16,
    "marital": 7,
    "occupation": 15,
    "relationship": 6,
    "race": 5,
    "country": 42,
}
NUMERIC = ("age", "education_num", "capital_gain", "capital_loss", "hours")


def adult_like_encoder() -> Encoder:
    return Encoder(
        numeric=tuple(
            NumericFeature(name, True, 38.0 + k, 40.5, 13.7 + k, 0.0, 99.0, indicator=name == "hours")
            for k, name in enumerate(NUMERIC)
        ),
        categorical=tuple(
            CategoricalFeature(name, tuple(f"{name} value {i}" for i in range(width - 2)), name != "race")
            for name, width in CARDINALITIES.items()
        ),
    )


def adult_like_frame(rows: int, seed: int = 0, odd: float = 0.05) -> pd.DataFrame:
    """Draw a table; a share `odd` of the cells is missing, as many texts are unseen."""
    rng = np.random.default_rng(seed)
    columns: dict[str, object] = {}
    for name in NUMERIC:
        values = rng.integers(0, 99, rows).astype(float)
        values[rng.random(rows) < odd] = np.nan
        columns[name] = values
    for name, width in CARDINALITIES.items():
        texts = np.array([*(f"{name} value {i}" for i in range(width - 2)), "never seen", None], dtype=object)
        common = rng.integers(0, width - 2, rows)
        columns[name] = texts[np.where(rng.random(rows) < 2 * odd, rng.integers(width - 2, width, rows), common)]
    columns["unused"] = "ignored"
    return pd.DataFrame(columns)


def random_network(widths: tuple[int, ...], seed: int = 0) -> NetworkScorer:
    rng = np.random.default_rng(seed)
    return NetworkScorer(
        tuple(
            (
                (rng.normal(size=(a, b)) * np.sqrt(2 / a)).astype(np.float32),
                (rng.normal(size=b) * 0.1).astype(np.float32),
            )
            for a, b in itertools.pairwise(widths)
        )
    )


def random_head(features: int, groups: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(features, groups)).astype(np.float32), rng.normal(size=groups).astype(np.float32)


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return adult_like_encoder()


@pytest.fixture(scope="session")
def frame() -> pd.DataFrame:
    return adult_like_frame(3000)
