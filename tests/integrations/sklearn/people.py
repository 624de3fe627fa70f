"""A small table of people with groups, that the tests of the estimator train on."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from efficienttrust.integrations import TrustClassifier
from tests.small_problems import make_table

BUDGET = "steps=20"
TARGETS = ("dpd <= 0.2", "accuracy >= 0.55")


def people(n: int = 300, seed: int = 0) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Mixed inputs with gaps, labels yes and no, and the sex of each person, which is no input."""
    table = make_table(n, seed)
    return table.drop(columns=["approved", "sex"]), table["approved"], table["sex"]


def three_classes(n: int = 150) -> tuple[np.ndarray, np.ndarray]:
    """Points around three centres, labelled 2, 10 and 30: as texts they would sort otherwise."""
    rng = np.random.default_rng(0)
    code = rng.integers(0, 3, n)
    return rng.normal(size=(n, 2)) + 4.0 * np.array([[0, 0], [1, 0], [0, 1]])[code], np.array([2, 10, 30])[code]


def classifier(**settings: object) -> TrustClassifier:
    return TrustClassifier(**{"budget": BUDGET, "random_state": 0, **settings})  # type: ignore[arg-type]


@cache
def trained() -> TrustClassifier:
    """A classifier that learned the people, for tests that only look at it."""
    X, y, sex = people()
    return classifier(targets=TARGETS).fit(X, y, sensitive_features=sex)
