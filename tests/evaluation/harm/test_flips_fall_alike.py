"""The test that flips fall on groups alike: p-values of another library, and the stated rate of false alarms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from efficienttrust.evaluation.harm._evenness import even_flips
from efficienttrust.evaluation.harm._tail import rank_correlation


def test_two_groups_are_tested_exactly():
    p, n, how, _ = even_flips(np.array([50, 40]), np.array([9, 1]))
    assert (p, n, how) == (pytest.approx(stats.fisher_exact([[9, 1], [41, 39]])[1]), 90, "Fisher exact")


def test_many_full_groups_are_tested_by_chi_square():
    p, _, how, _ = even_flips(np.array([100, 100, 100]), np.array([10, 20, 30]))
    assert (p, how) == (pytest.approx(stats.chi2_contingency([[10, 20, 30], [90, 80, 70]])[1]), "chi-square")


def test_random_tables_agree_with_counting_all_of_them():
    """Three groups of 2, 3 and 4 rows and 3 flips: all placements of the flips, by hand."""
    from itertools import combinations

    groups = np.repeat([0, 1, 2], [2, 3, 4])
    sizes = np.array([2, 3, 4])

    def statistic(flips: np.ndarray) -> float:
        expected = sizes * 3 / 9
        return float(((flips - expected) ** 2 / expected + (flips - expected) ** 2 / (sizes - expected)).sum())

    seen = np.array([2, 1, 0])
    every = [statistic(np.bincount(groups[list(rows)], minlength=3)) for rows in combinations(range(9), 3)]
    exact = np.mean([value >= statistic(seen) - 1e-9 for value in every])
    p, _, how, _ = even_flips(sizes, seen)
    assert p == pytest.approx(exact, abs=0.015)
    assert "random tables" in how


@pytest.mark.parametrize("sizes", [(60, 40), (200, 200, 200), (30, 20, 10)])
def test_false_alarms_stay_at_their_level(sizes):
    rng = np.random.default_rng(0)
    p = [even_flips(np.array(sizes), rng.binomial(sizes, 0.1))[0] for _ in range(300)]
    assert np.mean(np.array(p) <= 0.05) <= 0.09  # 0.05 and three standard errors


def test_nothing_to_test():
    assert np.isnan(even_flips(np.array([5, 5]), np.array([0, 0]))[0])
    assert even_flips(np.array([5, 5]), np.array([5, 5]))[3] == "every row flipped"


def test_rarity_goes_with_harm():
    counts = np.array([5, 10, 20, 40, 80, 160])
    assert rank_correlation(-counts, np.array([0.5, 0.4, 0.3, 0.2, 0.1, 0.0]))[0] == pytest.approx(1)
    assert np.isnan(rank_correlation(-counts[:4], np.arange(4.0))[0])
