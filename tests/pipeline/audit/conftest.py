"""Models and data that the tests of the audit share."""

from __future__ import annotations

from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from efficienttrust.pipeline import _audit_resources
from tests.small_problems import make_table


@pytest.fixture(autouse=True, scope="session")
def short_timing():
    """Time models for a moment only: how long they take is not what these tests are about."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_audit_resources, "SECONDS", 0.02)
        yield


COLUMNS = ["income", "debt", "housing"]


@pytest.fixture(scope="session")
def pipeline_model():
    """A pipeline on raw columns, trained on other rows than `loans_file` holds."""
    table = make_table(500, seed=1)
    split = make_column_transformer((StandardScaler(), ["income", "debt"]), (OneHotEncoder(), ["housing"]))
    return make_pipeline(split, LogisticRegression()).fit(table[COLUMNS], table["approved"])


@pytest.fixture
def loans_file(tmp_path) -> Path:
    make_table(400, seed=2).to_csv(tmp_path / "loans.csv", index=False)
    return tmp_path / "loans.csv"


@pytest.fixture
def pickled(tmp_path, pipeline_model) -> Path:
    joblib.dump(pipeline_model, tmp_path / "model.joblib")
    return tmp_path / "model.joblib"


@pytest.fixture
def images_file(tmp_path) -> Path:
    """Forty grey images of 6 x 6 in four classes, which the mean brightness of a quarter tells apart."""
    rng = np.random.default_rng(0)
    y = np.arange(160) % 4
    x = rng.integers(0, 120, (160, 6, 6))
    for code in range(4):
        x[y == code, 3 * (code // 2) : 3 * (code // 2) + 3, 3 * (code % 2) : 3 * (code % 2) + 3] += 90
    np.savez(tmp_path / "images.npz", x=x.astype(np.uint8), y=y, site=np.array(["A", "B"] * 80))
    return tmp_path / "images.npz"
