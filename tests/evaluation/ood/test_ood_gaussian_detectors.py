"""Mahalanobis distances: against scikit-learn, closed forms of Gaussians, linear maps, and singular covariances."""

from __future__ import annotations

import numpy as np
import pytest
from ood_worlds import make_world
from scipy import integrate, stats
from scipy.spatial.distance import cdist
from sklearn.covariance import EmpiricalCovariance, LedoitWolf

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.ood import detectors
from efficienttrust.metrics.ood import auroc

BOTH = ("mahalanobis", "relative_mahalanobis")


def score(name: str, fit: np.ndarray, y: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return detectors.get(name)().fit(fit, None, y).score(rows, None)


def notes(fit: np.ndarray, y: np.ndarray) -> tuple[str, ...]:
    return detectors.get("mahalanobis")().fit(fit, None, y).notes


def nearest(rows: np.ndarray, means: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Squared distance to the nearest mean, by SciPy."""
    return cdist(rows, means, "mahalanobis", VI=np.linalg.inv(covariance)).min(axis=1) ** 2


def class_means(fit: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.stack([fit[y == code].mean(axis=0) for code in np.unique(y)])


def test_equal_to_scikit_learn() -> None:
    world = make_world()
    x, y, rows = world.fit.features, world.fit.y, world.outside.features
    means = class_means(x, y)
    tied = EmpiricalCovariance(assume_centered=True).fit(x - means[y])
    distance = nearest(rows, means, tied.covariance_)
    assert score("mahalanobis", x, y, rows) == pytest.approx(-distance)
    everything = EmpiricalCovariance().fit(x)
    assert score("relative_mahalanobis", x, y, rows) == pytest.approx(everything.mahalanobis(rows) - distance)
    assert notes(x, y) == ()


@pytest.mark.parametrize("n", [20, 40, 75])
def test_few_rows_are_shrunk_as_scikit_learn_does(n: int) -> None:
    world = make_world(n=n, d=12)
    x, y, rows = world.fit.features, world.fit.y, world.outside.features
    means = class_means(x, y)
    unit = np.sqrt(np.mean((x - means[y]) ** 2, axis=0))
    shrunk = LedoitWolf(assume_centered=True).fit((x - means[y]) / unit)
    expected = nearest(rows / unit, means / unit, shrunk.covariance_)
    assert score("mahalanobis", x, y, rows) == pytest.approx(-expected)
    assert f"shrunk by {shrunk.shrinkage_:.2g}" in notes(x, y)[0]


@pytest.mark.parametrize("shift", [0.0, 1.0, 2.0, 4.0])
def test_auroc_of_a_shifted_gaussian_is_the_closed_form(shift: float) -> None:
    """Inside distances are chi-squared, outside ones non-central: no detector on distances can do better or worse."""
    rng = np.random.default_rng(0)
    d, n = 5, 40_000
    mix = rng.normal(size=(d, d)) @ np.diag([30.0, 10.0, 1.0, 0.1, 0.01])  # directions of very different size
    white = rng.normal(size=(3, n, d))
    white[2] += shift * np.eye(d)[4]  # a shift that only a right covariance sees
    fit, inside, outside = white @ mix.T
    y = np.zeros(n, dtype=int)
    scores = (score("mahalanobis", fit, y, rows) for rows in (inside, outside))
    truth = (
        0.5
        if shift == 0
        else integrate.quad(lambda q: stats.chi2.pdf(q, d) * stats.ncx2.sf(q, d, shift**2), 0, np.inf)[0]
    )
    area = auroc(*scores, level=0.999)
    assert area.low <= truth <= area.high


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_the_covariance_is_that_inside_classes(offset: float) -> None:
    """Outside rows lie 2.8 standard deviations of a class away, which is 0.03 of those of all rows together.

    The covariance of all rows, a planted bug, would make the detector a coin; so would digits lost to a large offset.
    """
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 20_000)
    centre = offset + 100.0 * y[:, None] * np.ones(2)
    fit, inside, outside = (centre + rng.normal(size=(20_000, 2)) for _ in range(3))
    outside += 2.0
    truth = integrate.quad(lambda q: stats.chi2.pdf(q, 2) * stats.ncx2.sf(q, 2, 8.0), 0, np.inf)[0]
    area = auroc(score("mahalanobis", fit, y, inside), score("mahalanobis", fit, y, outside), level=0.999)
    assert area.low <= truth <= area.high
    means, wrong = class_means(fit, y), np.cov(fit.T)
    assert auroc(-nearest(inside, means, wrong), -nearest(outside, means, wrong)).value < truth - 0.1


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize("seed", range(5))
def test_invertible_linear_maps_change_nothing(name: str, seed: int) -> None:
    world, rng = make_world(seed), np.random.default_rng(seed)
    mapping, offset = rng.normal(size=(8, 8)) @ np.diag(10.0 ** rng.uniform(-2, 2, 8)), rng.normal(0, 100, 8)
    x, y, rows = world.fit.features, world.fit.y, world.outside.features
    mapped = score(name, x @ mapping + offset, y, rows @ mapping + offset)
    assert mapped == pytest.approx(score(name, x, y, rows), rel=1e-5)


@pytest.mark.parametrize("name", BOTH)
def test_units_of_columns_change_nothing_when_shrunk(name: str) -> None:
    world = make_world(n=30)
    unit = 10.0 ** np.arange(-4, 4)
    x, y, rows = world.fit.features, world.fit.y, world.outside.features
    assert score(name, x * unit, y, rows * unit) == pytest.approx(score(name, x, y, rows), rel=1e-6)


def test_directions_that_no_class_uses_cancel_in_the_relative_distance() -> None:
    rng = np.random.default_rng(0)
    n = 50_000
    y = rng.integers(0, 2, n)
    fit = rng.normal(size=(n, 3))
    fit[:, 0] += np.where(y == 1, 5.0, -5.0)
    rows = np.zeros((2, 3))
    rows[:, 0], rows[1, 1] = 5.0, 6.0  # the second is far off in a direction that says nothing about classes
    plain, relative = (score(name, fit, y, rows) for name in BOTH)
    assert plain[0] - plain[1] == pytest.approx(36, rel=0.03)
    assert relative[0] == pytest.approx(relative[1], abs=0.2)


@pytest.mark.parametrize("name", BOTH)
def test_one_row_a_class_gives_plain_distances(name: str) -> None:
    fit, rows = np.array([[0.0, 0.0], [4.0, 4.0]]), np.array([[0.0, 0.1], [2.0, 2.0], [9.0, 9.0]])
    scores = score(name, fit, np.array([0, 1]), rows)
    assert np.isfinite(scores).all()
    if name == "mahalanobis":
        assert scores[0] > scores[1] > scores[2]
        assert "shrunk" in notes(fit, np.array([0, 1]))[0]


@pytest.mark.parametrize("name", BOTH)
def test_class_codes_are_names_only(name: str) -> None:
    """Absent classes leave no mean behind: codes 0, 1, 2 and 3, 70, -2 are the same three classes."""
    world = make_world()
    x, y, rows = world.fit.features, world.fit.y, world.outside.features
    assert score(name, x, np.array([3, 70, -2])[y], rows) == pytest.approx(score(name, x, y, rows))


def test_too_many_features_are_refused_before_memory_is() -> None:
    wide = np.zeros((2, 10_000), dtype=np.float32)
    with pytest.raises(UsageError, match="10000 features are too many for a covariance"):
        detectors.get("mahalanobis")().fit(wide, None, np.array([0, 1]))
