"""The k-th nearest neighbour is that of scikit-learn, in bounded memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ood_worlds import make_world
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.ood.catalogue.knn import CELLS, NearestNeighbours, _kth_largest


def expected(fit: np.ndarray, rows: np.ndarray, k: int) -> np.ndarray:
    distances, _ = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(normalize(fit)).kneighbors(normalize(rows))
    return -distances[:, -1]


@pytest.mark.parametrize("k", [1, 3, 50, 600])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-7), (np.float32, 1e-5)])
def test_equal_to_scikit_learn(k: int, dtype: type, tolerance: float) -> None:
    world = make_world(dtype=dtype)
    got = NearestNeighbours(k).fit(world.fit.features, None).score(world.outside.features, None)
    assert got == pytest.approx(expected(world.fit.features, world.outside.features, k), abs=tolerance)


@settings(deadline=None)
@given(seed=st.integers(0, 1000), width=st.integers(1, 300), k=st.integers(1, 300), ties=st.booleans())
def test_kth_largest_by_sorting(seed: int, width: int, k: int, ties: bool) -> None:
    values = np.random.default_rng(seed).normal(size=(4, width))
    values = np.round(values) if ties else values
    k = min(k, width)
    column = _kth_largest(values, k)
    assert values[np.arange(4), column] == pytest.approx(np.sort(values, axis=1)[:, -k])


def test_k_is_at_most_the_number_of_fit_rows() -> None:
    world = make_world(n=20)
    detector = NearestNeighbours().fit(world.fit.features, None)
    assert detector.notes == ("knn: k is 20, as there are no more fit rows",)
    assert detector.score(world.inside.features, None) == pytest.approx(
        expected(world.fit.features, world.inside.features, 20), abs=1e-7
    )
    assert NearestNeighbours().fit(make_world(n=50).fit.features, None).notes == ()


def test_length_of_rows_does_not_matter() -> None:
    world = make_world()
    rows = world.inside.features
    detector = NearestNeighbours(5).fit(world.fit.features, None)
    stretched = rows * np.random.default_rng(0).uniform(0.01, 100, (len(rows), 1))
    assert detector.score(stretched, None) == pytest.approx(detector.score(rows, None))


def test_a_fit_row_is_its_own_neighbour() -> None:
    world = make_world()
    assert NearestNeighbours(1).fit(world.fit.features, None).score(world.fit.features, None) == pytest.approx(0)


def test_rows_of_zeros_have_a_distance() -> None:
    detector = NearestNeighbours(1).fit(np.eye(3), None)
    assert detector.score(np.zeros((2, 3)), None) == pytest.approx(-1.0)


def test_memory_is_bounded() -> None:
    rng = np.random.default_rng(0)
    fit, rows = (rng.normal(size=(n, 4)).astype(np.float32) for n in (200_000, 200))
    detector = NearestNeighbours().fit(fit, None)
    tracemalloc.start()
    detector.score(rows, None)  # all similarities at once would take 160 MB
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * 4 * CELLS


def test_impossible_k() -> None:
    with pytest.raises(UsageError, match="k of knn must be 1 or more, not 0"):
        NearestNeighbours(0)
