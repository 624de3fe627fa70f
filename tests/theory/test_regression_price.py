"""The price of parity in regression against closed forms, optimal transport by a linear program, and its transform."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from scipy.optimize import linprog

from efficienttrust.errors import UsageError
from efficienttrust.theory.catalogue.regression_price import dp_regression_price, gaussian_regression_price


def test_two_normal_groups_have_the_closed_form():
    assert float(gaussian_regression_price([0, 1], [1, 2], [0.5, 0.5])) == 0.5
    assert float(gaussian_regression_price([0, 1], [1, 2], [0.5, 0.5], alpha=0.25)) == 0.125
    # On quantiles at the middle of n equal ranks the sums are the integrals up to the tails.
    z = special.ndtri((np.arange(200_000) + 0.5) / 200_000)
    found = dp_regression_price([z, 1 + 2 * z], [1, 1], best_known=True)
    assert float(found) == pytest.approx(0.5, abs=1e-4)
    assert found.kind == "exact"
    assert float(dp_regression_price([z, 1 + 2 * z], [1, 1], alpha=0.25)) == pytest.approx(0.125, abs=3e-5)


def test_samples_agree_with_it_within_their_noise():
    rng = np.random.default_rng(0)
    draws = [float(dp_regression_price([rng.normal(size=900), rng.normal(1, 2, 600)], [1, 1])) for _ in range(60)]
    assert abs(np.mean(draws) - 0.5) < 4 * np.std(draws) / np.sqrt(60) + 2 / 600  # noise of samples costs O(1/n)


def transport(a: np.ndarray, wa: np.ndarray, b: np.ndarray, wb: np.ndarray) -> float:
    """Squared Wasserstein distance of two weighted samples by a linear program."""
    cost = (a[:, None] - b[None, :]) ** 2
    rows = [np.eye(len(a))[i][:, None] * np.ones(len(b)) for i in range(len(a))]
    columns = [np.ones(len(a))[:, None] * np.eye(len(b))[j] for j in range(len(b))]
    equal = np.array([one.ravel() for one in (*rows, *columns)])
    return float(linprog(cost.ravel(), A_eq=equal, b_eq=[*wa, *wb]).fun)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32))
def test_of_two_groups_it_is_a_distance_of_optimal_transport(seed):
    rng = np.random.default_rng(seed)
    a, b = np.round(rng.normal(size=7), 1), np.round(rng.normal(0.5, 2, 9), 1)
    wa, wb, share = rng.dirichlet(np.ones(7)), rng.dirichlet(np.ones(9)), float(rng.uniform(0.1, 0.9))
    found = dp_regression_price([a, b], [share, 1 - share], sample_weight=[wa, wb])
    # The barycentre of two measures lies on the geodesic between them: U = w0 w1 W2^2.
    assert float(found) == pytest.approx(share * (1 - share) * transport(a, wa, b, wb), abs=1e-7)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 4))
def test_its_transform_has_one_law_and_costs_the_price(seed, k):
    rng = np.random.default_rng(seed)
    groups = [rng.normal(rng.normal(), rng.random() + 0.1, 40) for _ in range(k)]
    weights = rng.dirichlet(np.ones(k))
    found = dp_regression_price(groups, weights)
    new = found.details["transformed"]
    for one in new[1:]:
        assert np.sort(one) == pytest.approx(np.sort(new[0]), abs=1e-9)
    cost = sum(w * np.mean((g - f) ** 2) for w, g, f in zip(weights, new, groups, strict=True))
    assert cost == pytest.approx(float(found), abs=1e-9)
    assert found.details["jitter"] == pytest.approx(0, abs=1e-9)
    for f, g in zip(groups, new, strict=True):
        assert (np.diff(g[np.argsort(f)]) >= -1e-12).all()
    half = dp_regression_price(groups, weights, alpha=0.25)
    for f, g, mixed in zip(groups, new, half.details["transformed"], strict=True):
        assert mixed == pytest.approx((f + g) / 2, abs=1e-12)
    left = dp_regression_price(half.details["transformed"], weights)
    assert float(left) == pytest.approx(0.25 * float(found), abs=1e-9)  # what stays is the share alpha


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_order_scale_and_repetition(seed):
    rng = np.random.default_rng(seed)
    a, b, c = (np.round(rng.normal(i, 1 + i, 20 + i), 1) for i in range(3))
    value = float(dp_regression_price([a, b, c], [1, 2, 3]))
    assert float(dp_regression_price([c, rng.permutation(a), b], [3, 1, 2])) == pytest.approx(value, rel=1e-9)
    assert float(dp_regression_price([5 + 2 * one for one in (a, b, c)], [1, 2, 3])) == pytest.approx(4 * value)
    assert float(dp_regression_price([np.repeat(a, 2), b, np.repeat(c, 3)], [1, 2, 3])) == pytest.approx(
        value, rel=1e-9
    )
    weights = [np.full(20, 3.0), rng.random(21), np.ones(22)]
    assert float(dp_regression_price([a, b, c], [1, 0, 3], sample_weight=weights)) == pytest.approx(
        float(dp_regression_price([a, c], [1, 3])), rel=1e-9
    )
    prices = [float(dp_regression_price([a, b, c], [1, 2, 3], alpha=alpha)) for alpha in (0, 0.3, 0.7, 1)]
    assert prices[-1] == 0
    assert (np.diff(prices) < 0).all()


def test_equal_predictions_need_chance_and_say_how_much():
    """One group says 0 to all, the other 0 or 1: the first has to draw between 0 and 1/2."""
    found = dp_regression_price([np.zeros(10), np.repeat([0.0, 1.0], 5)], [0.5, 0.5])
    assert float(found) == pytest.approx(0.5 * 0.125 + 0.5 * 0.125)
    assert found.details["atoms"] == pytest.approx([1, 0.5])
    assert found.details["transformed"][0] == pytest.approx(np.full(10, 0.25))
    assert found.details["jitter"] == pytest.approx(0.5 * 0.0625)
    # The draw of the first group has the law of the second one's values, so mean and variance add up.
    assert found.details["transformed"][1].var() == pytest.approx(0.0625)


def test_barycentre_of_many_normal_groups():
    means, deviations, weights = np.array([0, 1, 4]), np.array([1, 0.5, 2]), np.array([0.2, 0.5, 0.3])
    z = stats.norm.ppf((np.arange(50_000) + 0.5) / 50_000)
    sampled = dp_regression_price([m + s * z for m, s in zip(means, deviations, strict=True)], weights)
    assert float(sampled) == pytest.approx(float(gaussian_regression_price(means, deviations, weights)), abs=1e-3)


@pytest.mark.parametrize(("groups", "reason"), [([[1, 2]], "one group"), ([[1, 2], [2, 1, 1, 2]], "same law")])
def test_it_is_vacuous_where_parity_asks_for_nothing(groups, reason):
    found = dp_regression_price(groups, np.ones(len(groups)))
    assert float(found) == 0
    assert reason in found.reason


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], []), "at least one"),
        (([[1], []], [1, 1]), "group 1"),
        (([[1], [float("nan")]], [1, 1]), "finite"),
        (([[1], [2]], [1]), "weights"),
        (([[1], [2]], [0, 0]), "not all 0"),
        (([[1], [2]], [1, 1], 1.5), "alpha is 1.5"),
        (([[1], [2]], [1, 1], float("nan")), "alpha is nan"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(arguments, message):
    with pytest.raises(UsageError, match=message):
        dp_regression_price(*arguments)


def test_wrong_sample_weights_and_moments_are_said():
    with pytest.raises(UsageError, match="2 groups"):
        dp_regression_price([[1], [2]], [1, 1], sample_weight=[[1]])
    with pytest.raises(UsageError, match="sample_weight of group 1"):
        dp_regression_price([[1], [2]], [1, 1], sample_weight=[[1], [1, 1]])
    with pytest.raises(UsageError, match="one deviation"):
        gaussian_regression_price([0, 1], [1, -1], [1, 1])
