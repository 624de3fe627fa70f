"""Intervals cover and tests err as often as they say: within four standard errors of the nominal rate."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import integrate, stats

from efficienttrust.study.analysis._linear import Coding, fit, sums
from efficienttrust.study.analysis._strata import over_units
from efficienttrust.study.analysis._term_designs import ModelDesign
from efficienttrust.study.analysis._units import across_each, within_each


def nominal(hits: int, runs: int, rate: float) -> None:
    assert abs(hits / runs - rate) <= 4 * (rate * (1 - rate) / runs) ** 0.5, f"{hits / runs} against {rate}"


@pytest.mark.parametrize("runs", [4000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_intervals_about_one_data_set_cover(runs):
    z = np.random.default_rng(1).normal(3, 1, (5, runs))
    found = within_each(z, np.zeros(5, dtype=int), 0.9)
    nominal(sum(one.estimate.low <= 3 <= one.estimate.high for one in found), runs, 0.9)


def coverage_of_satterthwaite(shares: np.ndarray, df: int, level: float) -> float:
    """Return the exact coverage of the t interval about a sum of means with unequal variances.

    Given the sample variances, the sum is normal and independent of them; what is left is an integral over independent
    chi variables, by Gauss and Legendre.

    Args:
        shares: Variance of each mean, up to a factor [means].
        df: Of each sample variance.
        level: Nominal.
    """
    nodes, weights = np.polynomial.legendre.leggauss(18)
    nodes = (nodes + 1) * stats.chi.isf(1e-10, df) / 2
    weights = weights * stats.chi.pdf(nodes, df)
    weights = weights / weights.sum()
    drawn = np.array(list(itertools.product(nodes**2 / df, repeat=len(shares)))) * shares
    chance = np.prod(list(itertools.product(weights, repeat=len(shares))), axis=1)
    degrees = drawn.sum(1) ** 2 / (drawn**2 / df).sum(1)
    reach = stats.t.ppf((1 + level) / 2, degrees) * np.sqrt(drawn.sum(1) / shares.sum())
    return float(chance @ (2 * stats.norm.cdf(reach) - 1))


def test_the_exact_coverage_is_student_s_with_one_mean():
    assert coverage_of_satterthwaite(np.ones(1), 4, 0.9) == pytest.approx(0.9, abs=1e-4)


@pytest.mark.parametrize("runs", [4000, pytest.param(100_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("noise", [(1.0, 1.0, 2.0, 0.5), (1.0, 0.01, 0.01, 0.01)])
def test_intervals_about_these_data_sets_cover_as_satterthwaite_s_do(runs, noise):
    """They do so exactly as often as theory says, which is at least as often as is claimed."""
    rng = np.random.default_rng(1)
    blocks = np.repeat(np.arange(4), 5)
    truth, spread = np.array([-1.0, 0.0, 1.0, 4.0]), np.array(noise)
    z = truth[blocks][:, None] + spread[blocks][:, None] * rng.normal(0, 1, (20, runs))
    found = within_each(z, blocks, 0.9)
    exact = coverage_of_satterthwaite(spread**2, 4, 0.9)
    assert exact >= 0.9 - 1e-4
    nominal(sum(one.estimate.low <= truth.mean() <= one.estimate.high for one in found), runs, exact)


@pytest.mark.parametrize("runs", [4000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_across_data_sets_intervals_cover_new_ones(runs):
    rng = np.random.default_rng(2)
    blocks = np.repeat(np.arange(6), 3)
    z = rng.normal(2.0, 1, (6, runs))[blocks] + rng.normal(0, 1, (18, runs))
    found = across_each(z, blocks, 0.95)
    nominal(sum(one.estimate.low <= 2.0 <= one.estimate.high for one in found), runs, 0.95)


def rejections(runs: int, *, scatter: float, seed: int) -> tuple[int, int, int]:
    """Count p < 0.05 of units, of the residual and of data sets under a null with blocks and correlated trials."""
    rng = np.random.default_rng(seed)
    cells = np.array(list(itertools.product(range(3), range(2), range(4))))
    blocks = np.repeat(np.arange(4), 5)
    coding = Coding(cells, 2)
    design = None
    counts = [0, 0, 0]
    for _ in range(runs):
        per_level = scatter * rng.normal(0, 1, (20, 3))[:, cells[:, 0]]
        y = rng.normal(0, 2, 20)[:, None] + per_level + rng.normal(0, 1, (20, 24))
        data = sums(coding, y, np.arange(20))
        design = design or ModelDesign(coding, data, np.ones((1, 20)))
        one = design.terms[0]
        full = fit(data, design.full.kept, solved=design.full)
        b = fit(data, one.columns, solved=one.solved).b[one.mine]
        f = float(b @ one.metric @ b) / 2 / (full.rss / full.df)
        z = np.einsum("bkp,bp->bk", one.in_blocks[data.pattern], data.r[:, one.solved.kept])
        tested = over_units(z, blocks)
        counts[0] += tested.p < 0.05
        counts[1] += bool(stats.f.sf(f, 2, full.df) < 0.05)
        counts[2] += tested.p_across < 0.05
    return counts[0], counts[1], counts[2]


def size_of_greenhouse_geisser(df: int, level: float) -> float:
    """Return the exact error rate of the corrected F test of two equally noisy, independent coordinates.

    W = 4 |S| / (tr S)² and tr S of a Wishart matrix are independent, W ** ((df − 1) / 2) is uniform (Mauchly 1940),
    epsilon is 1 / (2 − W), and given S the squared length of the mean is exponential.
    """

    def given(w: float) -> float:
        epsilon = 1 / (2 - w)
        limit = stats.f.isf(level, 2 * epsilon, 2 * epsilon * df)
        return float((1 + limit / df) ** -df * (df - 1) / 2 * w ** ((df - 3) / 2))

    return float(integrate.quad(given, 0, 1)[0])


@pytest.mark.parametrize("runs", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_a_null_is_rejected_at_the_nominal_rate(runs):
    """Greenhouse and Geisser's correction is careful; by how much is known, and it is never more than claimed."""
    units, residual, over_data = rejections(runs, scatter=0.0, seed=7)
    for found, df in ((units, 16), (over_data, 3)):
        exact = size_of_greenhouse_geisser(df, 0.05)
        assert exact < 0.05
        nominal(found, runs, exact)
    nominal(residual, runs, 0.05)


def test_only_the_test_over_units_stands_when_the_effect_scatters_over_units():
    """The classical F takes trials of a unit as independent, and rejects several times too often."""
    runs = 150
    units, residual, _ = rejections(runs, scatter=0.7, seed=8)
    assert units / runs <= 0.05 + 4 * (0.05 * 0.95 / runs) ** 0.5
    assert residual / runs > 0.15
