"""T10: few bits cannot have learned many rows by heart."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from efficienttrust.errors import UsageError
from efficienttrust.theory.catalogue.description_length import (
    fairness_gap_bound,
    max_bits,
    occam_kl_upper,
    occam_width,
)


def test_numbers_of_the_catalogue():
    assert occam_width(8000, 45_222).value == pytest.approx(0.247692, abs=5e-7)
    assert occam_width(1000, 30_000).value == pytest.approx(0.107768, abs=5e-7)
    assert occam_kl_upper(0.15, 1000, 30_000).value == pytest.approx(0.237077, abs=5e-7)
    assert max_bits(30_000, 0.05).value == 211
    assert fairness_gap_bound(1000, (20_000, 10_000)).value == pytest.approx(0.318806, abs=5e-7)


@settings(max_examples=60, deadline=None)
@given(st.floats(0, 0.99), st.floats(0, 300), st.integers(10, 100_000), st.floats(0.001, 0.5))
def test_the_inverse_of_kl_is_that_of_a_root_finder(empirical, bits, n, delta):
    nats = (bits * math.log(2) + math.log(1 / delta)) / n

    def excess(q):
        return stats.entropy((empirical, 1 - empirical), (q, 1 - q)) - nats

    limit = occam_kl_upper(empirical, bits, n, delta).value
    top = 1 - 1e-15
    expected = optimize.brentq(excess, empirical, top, xtol=1e-14) if excess(top) > 0 else 1.0
    assert limit == pytest.approx(expected, abs=1e-9)
    # Pinsker: kl is tighter than the width at the same constant
    assert limit <= empirical + math.sqrt(nats / 2) + 1e-12


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 2000), st.integers(100, 100_000), st.integers(1, 9), st.floats(0.001, 0.5))
def test_bits_groups_and_certainty_widen_and_rows_narrow(bits, n, groups, delta):
    width = occam_width(bits, n, groups, delta).value
    assert occam_width(bits + 1, n, groups, delta).value > width
    assert occam_width(bits, n, groups + 1, delta).value > width
    assert occam_width(bits, n, groups, delta / 2).value > width
    assert occam_width(bits, 4 * n, groups, delta).value == pytest.approx(width / 2)


@settings(max_examples=40, deadline=None)
@given(st.integers(1000, 1_000_000), st.floats(0.05, 0.9), st.integers(1, 5))
def test_the_most_bits_are_allowed_and_one_more_is_not(n, width, groups):
    bits = max_bits(n, width, groups=groups)
    if not bits.vacuous:
        assert occam_width(bits.value, n, groups).value <= width * (1 + 1e-12)
        assert occam_width(bits.value + 1, n, groups).value > width


def test_it_holds_for_the_best_of_many_candidates():
    """Candidates of error 1/2 in each group: the flattering one of 1024 is 10 bits."""
    rng = np.random.default_rng(0)
    sizes, candidates, failures, repeats = (200, 50), 1024, 0, 400
    widths = fairness_gap_bound(math.log2(candidates), sizes, delta=0.2).details["widths"]
    for _ in range(repeats):
        seen = [rng.binomial(n, 0.5, candidates) / n for n in sizes]
        failures += any(np.abs(rates - 0.5).max() > width for rates, width in zip(seen, widths, strict=True))
    assert 0 < failures / repeats <= 0.2
    best = occam_kl_upper(float(seen[0].min()), math.log2(candidates), 200)
    assert seen[0].min() < 0.42 < 0.5 <= best.value


def test_a_gap_adds_the_two_largest_widths():
    bound = fairness_gap_bound(20, (1000, 50, 200), 0.05)
    expected = 0.05 + sum(occam_width(20, n, 3).value for n in (50, 200))
    assert bound.value == pytest.approx(expected)


def test_long_codes_are_vacuous():
    assert occam_width(10_000, 100).vacuous
    assert occam_kl_upper(0.5, 1e7, 100).vacuous
    assert fairness_gap_bound(10_000, (100, 100)).vacuous
    few = max_bits(3, 0.05)
    assert few.vacuous
    assert few.value == 0


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: occam_width(-1, 100), "bits is -1"),
        (lambda: occam_width(1, 0), "n is 0"),
        (lambda: occam_width(1, 100, 0), "groups is 0"),
        (lambda: occam_width(1, 100, delta=1), "delta is 1"),
        (lambda: occam_kl_upper(1.1, 1, 100), "the error is 1.1"),
        (lambda: max_bits(100, 0.0), "width is 0"),
        (lambda: fairness_gap_bound(1, (100,)), "two groups or more"),
        (lambda: fairness_gap_bound(1, (100, 100), -0.1), "the gap is -0.1"),
    ],
)
def test_bad_input_is_one_line(call, says):
    with pytest.raises(UsageError, match=says):
        call()
