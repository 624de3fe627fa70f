"""Intervals cover and tests err as often as they say: within four standard errors of the nominal rate."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

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


@pytest.mark.parametrize("runs", [4000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_intervals_about_these_data_sets_cover_and_are_hardly_too_wide(runs):
    """Satterthwaite's degrees of freedom are estimated, which makes t a little careful: by less than 0.01 here."""
    rng = np.random.default_rng(1)
    blocks = np.repeat(np.arange(4), 5)
    truth, noise = np.array([-1.0, 0.0, 1.0, 4.0]), np.array([1.0, 1.0, 2.0, 0.5])
    z = truth[blocks][:, None] + noise[blocks][:, None] * rng.normal(0, 1, (20, runs))
    found = within_each(z, blocks, 0.9)
    rate = np.mean([one.estimate.low <= truth.mean() <= one.estimate.high for one in found])
    error = 4 * (0.9 * 0.1 / runs) ** 0.5
    assert 0.9 - error <= rate <= 0.91 + error


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


@pytest.mark.parametrize("runs", [600, pytest.param(10_000, marks=pytest.mark.slow)])
def test_a_null_is_rejected_at_the_nominal_rate(runs):
    units, residual, _ = rejections(runs, scatter=0.0, seed=7)
    assert units / runs <= 0.05 + 4 * (0.05 * 0.95 / runs) ** 0.5
    assert units / runs >= 0.035 - 4 * (0.05 * 0.95 / runs) ** 0.5  # Greenhouse and Geisser's is a little careful
    nominal(residual, runs, 0.05)


def test_only_the_test_over_units_stands_when_the_effect_scatters_over_units():
    """The classical F takes trials of a unit as independent, and rejects several times too often."""
    runs = 400
    units, residual, _ = rejections(runs, scatter=0.7, seed=8)
    assert units / runs <= 0.05 + 4 * (0.05 * 0.95 / runs) ** 0.5
    assert residual / runs > 0.15
