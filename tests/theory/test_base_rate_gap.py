"""No rule beats the errors that base rates and parity force; where labels are known a rule attains them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from efficienttrust.errors import UsageError
from efficienttrust.theory.catalogue.base_rate_gap import base_rate_bound, joint_error_lower_bound
from efficienttrust.theory.catalogue.fair_bayes_frontier import fair_bayes_frontier


def by_program(base: np.ndarray, weights: np.ndarray, gap: float) -> float:
    """The barycentre in total variation as a linear program: distances e, rates r within one window."""
    k = len(base)
    rows, limits = [], []
    for a in range(k):
        for sign in (1, -1):  # e_a >= ±(r_a - p_a)
            row = np.zeros(2 * k + 1)
            row[a], row[k + a] = -1, sign
            rows.append(row)
            limits.append(sign * base[a])
        for sign, limit in ((1, gap), (-1, 0)):  # u <= r_a <= u + gap
            row = np.zeros(2 * k + 1)
            row[k + a], row[-1] = sign, -sign
            rows.append(row)
            limits.append(limit)
    found = linprog([*weights, *np.zeros(k + 1)], A_ub=rows, b_ub=limits, bounds=[(0, 1)] * (2 * k + 1))
    return float(found.fun)


def problem(seed: int) -> tuple[np.ndarray, np.ndarray, float]:
    rng = np.random.default_rng(seed)
    k = int(rng.integers(2, 7))
    return rng.random(k), rng.dirichlet(np.ones(k)), float(rng.random() * 0.5)


def test_adult_cannot_exceed_the_known_accuracy():
    found = base_rate_bound([0.114, 0.312], [0.325, 0.675], 0.05)
    assert float(found) == pytest.approx(1 - 0.325 * (0.198 - 0.05))
    assert round(float(found), 3) == 0.952
    assert found.kind == "upper"
    assert found.rigorous
    assert found.details["worst_group_accuracy"] == pytest.approx(1 - 0.148 / 2)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_it_is_the_barycentre_of_a_linear_program(seed):
    base, weights, gap = problem(seed)
    found = joint_error_lower_bound(base, gap, weights)
    assert float(found) == pytest.approx(by_program(base, weights, gap), abs=1e-9)
    rates = found.details["rates"]
    assert np.ptp(rates) <= gap + 1e-12 or found.vacuous
    assert weights @ np.abs(base - rates) == pytest.approx(float(found), abs=1e-12)
    assert 1 - float(base_rate_bound(base, weights, gap)) == pytest.approx(float(found), abs=1e-12)


def test_two_thousand_random_rules_have_slack():
    rng = np.random.default_rng(0)
    slack = []
    for _ in range(2000):
        k, n = int(rng.integers(2, 5)), int(rng.integers(20, 200))
        groups = np.arange(n) % k
        y, h = rng.random(n) < rng.random(k)[groups], rng.random(n) < rng.random(k)[groups]
        if rng.random() < 0.5:
            h = np.where(rng.random(n) < 0.1, h, y)
        base, rates, errors = (np.array([one[groups == a].mean() for a in range(k)]) for one in (y, h, y != h))
        weights, dpd = np.bincount(groups) / n, np.ptp(rates)
        slack += [
            errors.sum() - float(joint_error_lower_bound(base, dpd)),
            (y != h).mean() - float(joint_error_lower_bound(base, dpd, weights)),
            base_rate_bound(base, weights, dpd).details["worst_group_accuracy"] - (1 - errors.max()),
        ]
    assert min(slack) >= -1e-12
    assert min(slack) < 1e-3  # so the bound is met at times


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_known_labels_attain_it(seed):
    base, weights, gap = problem(seed)
    k = len(base)
    frontier = fair_bayes_frontier(
        np.tile([0, 1], k), None, np.repeat(np.arange(k), 2), deltas=[gap],
        sample_weight=np.stack([weights * (1 - base), weights * base], axis=1).ravel(), posterior_known=True,
    )  # fmt: skip
    assert frontier.accuracy.value[0] == pytest.approx(float(base_rate_bound(base, weights, gap)), abs=1e-10)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_more_groups_say_at_least_what_the_extreme_pair_says(seed):
    base, weights, gap = problem(seed)
    found = base_rate_bound(base, weights, gap)
    assert float(found) <= found.details["extreme_pair"] + 1e-12
    order = np.random.default_rng(seed).permutation(len(base))
    assert float(base_rate_bound(base[order], weights[order] * 9, gap)) == pytest.approx(float(found), abs=1e-12)
    assert float(base_rate_bound(base, weights, min(1, gap + 0.1))) >= float(found) - 1e-12


def test_noisy_labels_make_the_frontier_the_sharper_limit():
    rng = np.random.default_rng(1)
    eta, groups = rng.beta(2, 3 - np.arange(300) % 2), np.arange(300) % 2
    deltas = np.linspace(0, 0.3, 7)
    frontier = fair_bayes_frontier(eta, None, groups, deltas=deltas, posterior_known=True).accuracy.value
    base = [eta[groups == a].mean() for a in (0, 1)]
    assert all(one <= float(base_rate_bound(base, [1, 1], gap)) for one, gap in zip(frontier, deltas, strict=True))


@pytest.mark.parametrize(
    ("base", "weights", "gap", "reason"),
    [
        ([0.3, 0.4], [1, 1], 0.1, "no more than"),
        ([0.3], [1], 0, "one group only"),
        ([0.3, 0.9], [1, 0], 0.1, "no weight"),
    ],
)
def test_it_is_vacuous_where_it_says_nothing(base, weights, gap, reason):
    for found, value in ((base_rate_bound(base, weights, gap), 1), (joint_error_lower_bound(base, gap, weights), 0)):
        assert float(found) == value
        assert found.vacuous
        assert reason in found.reason
        assert not found.rigorous


@pytest.mark.parametrize(
    ("base", "weights", "gap", "message"),
    [
        ([], [], 0.1, "one rate for each group"),
        ([0.1, 1.2], [1, 1], 0.1, "outside"),
        ([0.1, float("nan")], [1, 1], 0.1, "outside"),
        ([0.1, 0.2], [1, 1], 1.5, "within"),
        ([0.1, 0.2], [1, 1], float("nan"), "within"),
        ([0.1, 0.2], [1], 0, "one for each"),
        ([0.1, 0.2], [1, -1], 0, "at least 0"),
        ([0.1, 0.2], [0, 0], 0, "not all 0"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(base, weights, gap, message):
    with pytest.raises(UsageError, match=message):
        base_rate_bound(base, weights, gap)
