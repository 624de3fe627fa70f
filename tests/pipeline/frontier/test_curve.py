"""The curve: no point beats another on every axis, the most telling ones stay, and values are those of the rule."""

from __future__ import annotations

import itertools

import moocore
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efficienttrust.compression import Decision, cut_encoded, score_encoded
from efficienttrust.pipeline.frontier import curve, measure_points, parse_axes
from efficienttrust.pipeline.frontier._curve import Point, _spread
from tests.small_problems import FAIR, ROBUST, loans, train

AXES = ("dpd", "robust_accuracy(pgd, eps=0.2)")


@pytest.fixture(scope="module")
def models():
    found, _ = train(loans(), "steps=120", [FAIR, ROBUST], policy="conditional")
    return [member.scorer for member in found.members], found.head


def points_of(values):
    return [Point(index, Decision(), np.array(one)) for index, one in enumerate(values)]


@settings(max_examples=60)
@given(st.lists(st.tuples(*[st.sampled_from([0.1, 0.2, 0.3, 0.5, 0.9])] * 3), min_size=1, max_size=12))
def test_what_stays_is_beaten_by_nothing(values):
    kept = _spread(points_of(values), len(values))
    for point in kept:
        for other in values:
            assert not (np.all(np.array(other) >= point.values) and np.any(np.array(other) > point.values))
    best = max(value[0] for value in values)
    assert any(point.values[0] == best for point in kept)


@given(st.lists(st.tuples(*[st.floats(0, 1)] * 2), min_size=3, max_size=7, unique=True))
@settings(max_examples=40)
def test_the_first_point_kept_adds_most_hypervolume(values):
    kept = _spread(points_of(values), 1)
    array = np.array(values)
    front = array[moocore.is_nondominated(array, maximise=True)]
    low, high = front.min(0), front.max(0)
    scaled = (front - low) / np.where(high > low, high - low, 1.0)
    volumes = [moocore.hypervolume(one[None], ref=[-0.1, -0.1], maximise=True) for one in scaled]
    chosen = np.flatnonzero((front == kept[0].values).all(1))
    assert max(volumes[index] for index in chosen) == pytest.approx(max(volumes))


def test_points_are_on_the_front_and_ordered_by_utility(models):
    scorers, head = models
    axes = parse_axes(loans(), AXES)
    points = curve(loans(), scorers, axes, head, aware=False, seed=0, most=7)
    assert 1 <= len(points) <= 7
    utilities = [point.values[0] for point in points]
    assert utilities == sorted(utilities, reverse=True)
    for one, other in itertools.permutations(points, 2):
        assert not (np.all(one.values >= other.values) and np.any(one.values > other.values))


def test_values_are_those_of_the_rule_on_calibrate(models):
    scorers, head = models
    axes = parse_axes(loans(), AXES[1:])
    split = loans().splits["calibrate"]
    for point in curve(loans(), scorers, axes, head, aware=False, seed=0, most=5):
        margin = score_encoded(scorers[point.model], split.x) - cut_encoded(point.decision, split.x, None)
        assert point.values[0] == pytest.approx(np.mean((margin > 0) == (split.y > 0)))


def test_points_are_measured_as_files_on_test(models):
    scorers, head = models
    axes = parse_axes(loans(), AXES)
    points = curve(loans(), scorers, axes, head, aware=False, seed=0, most=2)
    test = loans().splits["test"]
    for one in measure_points(loans(), scorers, points, axes, seed=0):
        assert set(one.test) == set(axes.keys)
        margin = score_encoded(scorers[one.point.model], test.x) - cut_encoded(one.point.decision, test.x, None)
        said = one.test["accuracy"]
        assert said.value == pytest.approx(np.mean((margin > 0) == (test.y > 0)))
        assert said.low <= said.value <= said.high
        assert one.size_bytes > 0


def test_a_budget_that_ends_leaves_the_models_before_it(models):
    scorers, head = models
    axes = parse_axes(loans(), AXES)
    found = curve(loans(), scorers, axes, head, aware=False, seed=0, most=9, affordable=lambda index: index < 1)
    assert {point.model for point in found} == {0}
