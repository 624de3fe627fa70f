"""T6: the law with its constants says nothing, and the certified radius is never crossed."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efficienttrust.errors import UsageError
from efficienttrust.theory._lipschitz import certified_radius, lipschitz_constant, logit
from efficienttrust.theory.catalogue.law_of_robustness import law_of_robustness, robustness_scaling


def network(widths, rng):
    return [(rng.normal(size=(a, b)), rng.normal(size=b)) for a, b in pairwise([*widths, 1])]


def test_the_number_of_the_catalogue_is_vacuous():
    law = law_of_robustness(60_000, 784, 100_000)
    assert law.value == pytest.approx(0.00116, abs=5e-6)
    assert law.details["smooth_needs"] == 47_040_000
    assert law.vacuous
    assert not law.rigorous
    assert law.details["scaling"] == pytest.approx(robustness_scaling(60_000, 100_000, 784).value)
    assert robustness_scaling(60_000, 100_000).value == pytest.approx(math.sqrt(0.6))


def test_it_speaks_where_it_exceeds_what_is_known_anyway():
    huge = law_of_robustness(10**14, 10**4, 10)
    assert huge.value > 1
    assert huge.rigorous
    assert law_of_robustness(60_000, 784, 100_000, steep_anyway=0.001).rigorous
    assert law_of_robustness(10**14, 10**4, 10, steep_anyway=2 * huge.value).vacuous


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 10**6), st.integers(1, 10**4), st.integers(1, 10**7), st.floats(0.01, 1))
def test_it_grows_with_rows_columns_and_excess_and_falls_with_parameters(n, d, p, excess):
    value = law_of_robustness(n, d, p, excess).value
    assert law_of_robustness(4 * n, d, p, excess).value == pytest.approx(2 * value)
    assert law_of_robustness(n, 4 * d, p, excess).value == pytest.approx(2 * value)
    assert law_of_robustness(n, d, p + 1, excess).value < value
    assert law_of_robustness(n, d, p, excess / 2).value < value


@pytest.mark.parametrize("norm", ["l1", "l2", "linf"])
@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(0, 2**32))
def test_no_slope_is_steeper_and_no_decision_changes_within_the_radius(norm, widths, seed):
    rng = np.random.default_rng(seed)
    layers, x = network(widths, rng), rng.normal(size=(50, widths[0]))
    step = rng.normal(size=x.shape)
    order = {"l1": 1, "l2": 2, "linf": np.inf}[norm]
    size = np.linalg.norm(step, order, axis=1)
    slope = lipschitz_constant(layers, norm)
    assert (np.abs(logit(layers, x + step) - logit(layers, x)) <= slope.value * size * (1 + 1e-9)).all()
    assert slope.value == min(slope.details["product"], slope.details["path"])
    radius = certified_radius(layers, x, norm, thresholds=0.3)
    inside = x + step * (0.999 * radius.value / size)[:, None]
    assert ((logit(layers, inside) > 0.3) == (logit(layers, x) > 0.3)).all()


@pytest.mark.parametrize("norm", ["l1", "l2", "linf"])
def test_the_radius_of_a_linear_model_is_exact(norm):
    rng = np.random.default_rng(0)
    layers, x = network([6], rng), rng.normal(size=(30, 6))
    w = layers[0][0][:, 0]
    radius = certified_radius(layers, x, norm)
    assert radius.kind == "exact"
    largest = np.abs(w) == np.abs(w).max()
    worst = {"l1": np.sign(w) * largest, "l2": w / np.linalg.norm(w), "linf": np.sign(w)}[norm]
    z = logit(layers, x)
    for factor, flips in ((0.999, False), (1.001, True)):
        moved = x - np.sign(z)[:, None] * worst * factor * radius.value[:, None]
        assert ((logit(layers, moved) > 0) != (z > 0)).all() == flips


def test_a_constant_model_is_certified_everywhere_and_a_row_on_the_threshold_nowhere():
    constant = [(np.zeros((2, 1)), np.ones(1))]
    assert np.isinf(certified_radius(constant, np.ones((1, 2))).value).all()
    assert certified_radius(constant, np.ones((1, 2)), thresholds=1.0).vacuous


def test_the_two_bounds_win_in_turn():
    identity = [(np.eye(3), np.zeros(3)), (np.ones((3, 1)), np.zeros(1))]
    assert lipschitz_constant(identity, "linf").details == {"product": 3.0, "path": 3.0}
    flat = [(np.array([[1.0, 0.0], [0.0, 9.0]]), np.zeros(2)), (np.array([[9.0], [1.0]]), np.zeros(1))]
    slope = lipschitz_constant(flat)
    assert slope.value == slope.details["path"] == pytest.approx(9 * math.sqrt(2))
    rotation = [(np.array([[1.0, 1.0], [1.0, -1.0]]), np.zeros(2)), (np.ones((2, 1)), np.zeros(1))]
    assert lipschitz_constant(rotation).value == pytest.approx(2.0)  # by paths it is 2.83


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: law_of_robustness(0, 1, 1), "n is 0"),
        (lambda: law_of_robustness(1, 1, 1, 0.0), "excess is 0"),
        (lambda: lipschitz_constant([]), "without layers"),
        (lambda: lipschitz_constant([(np.ones((2, 2)), np.zeros(2))]), "2 outputs"),
        (lambda: lipschitz_constant([(np.ones((2, 1)), np.zeros(1))], "l3"), "unknown norm 'l3'"),
        (lambda: certified_radius([(np.ones((2, 1)), np.zeros(1))], [1.0, 2.0]), "the rows have the shape"),
        (lambda: certified_radius([(np.ones((2, 1)), np.zeros(1))], [[1.0, math.nan]]), "not finite"),
    ],
)
def test_bad_input_is_one_line(call, says):
    with pytest.raises(UsageError, match=says):
        call()
