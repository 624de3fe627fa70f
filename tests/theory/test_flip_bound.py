"""No logit moves farther than its reach, and no rate leaves its bounds: pruned, rounded, narrower networks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efficienttrust.theory import bound_flips, embedded, perturbation_reach, rounding_errors, weight_errors

Layers = list[tuple[np.ndarray, np.ndarray]]
WIDTHS = st.lists(st.integers(1, 9), min_size=1, max_size=4)


def network(widths: list[int], rng: np.random.Generator) -> Layers:
    sizes = [*widths, 1]
    return [(rng.normal(size=(a, b)), rng.normal(size=b)) for a, b in pairwise(sizes)]


def logits(layers: Layers, x: np.ndarray) -> np.ndarray:
    for w, b in layers[:-1]:
        x = np.maximum(x @ w + b, 0)
    return (x @ layers[-1][0] + layers[-1][1])[:, 0]


def rounded(layers: Layers, bits: int) -> Layers:
    steps = [max(np.abs(w).max() / (2 ** (bits - 1) - 1), 1e-300) for w, _ in layers]
    return [(np.round(w / step) * step, b) for (w, b), step in zip(layers, steps, strict=True)]


@settings(max_examples=60, deadline=None)
@given(WIDTHS, st.integers(0, 2**32), st.sampled_from(["prune", "noise"]))
def test_no_logit_moves_farther_than_its_reach(widths, seed, change):
    rng = np.random.default_rng(seed)
    layers, x = network(widths, rng), rng.normal(size=(40, widths[0]))
    if change == "prune":
        changed = [(w * (rng.random(w.shape) > 0.5), b) for w, b in layers]
    else:
        changed = [(w + 0.1 * rng.normal(size=w.shape), b + 0.1 * rng.normal(size=b.shape)) for w, b in layers]
    reach = perturbation_reach(layers, weight_errors(layers, changed), x)
    assert (np.abs(logits(layers, x) - logits(changed, x)) <= reach * (1 + 1e-9) + 1e-12).all()


@settings(max_examples=60, deadline=None)
@given(WIDTHS, st.integers(0, 2**32), st.integers(2, 10))
def test_the_errors_of_a_rounding_are_known_without_rounding(widths, seed, bits):
    rng = np.random.default_rng(seed)
    layers, x = network(widths, rng), rng.normal(size=(40, widths[0]))
    changed, errors = rounded(layers, bits), rounding_errors(layers, bits)
    for (w, _), (v, _), (error, _) in zip(layers, changed, errors, strict=True):
        assert (np.abs(w - v) <= error * (1 + 1e-9)).all()
    known = perturbation_reach(layers, weight_errors(layers, changed), x)
    unseen = perturbation_reach(layers, errors, x)
    assert (np.abs(logits(layers, x) - logits(changed, x)) <= known * (1 + 1e-9) + 1e-12).all()
    assert (known <= unseen * (1 + 1e-9) + 1e-12).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_removed_units_are_zero_columns(seed):
    rng = np.random.default_rng(seed)
    layers, x = network([4, 7, 6], rng), rng.normal(size=(40, 4))
    first, second = (np.sort(rng.choice(size, rng.integers(1, size + 1), replace=False)) for size in (7, 6))
    (w1, b1), (w2, b2), (w3, b3) = layers
    narrow = [(w1[:, first], b1[first]), (w2[np.ix_(first, second)], b2[second]), (w3[second], b3)]
    full = embedded(layers, narrow)
    assert [w.shape for w, _ in full] == [w.shape for w, _ in layers]
    assert logits(full, x) == pytest.approx(logits(narrow, x))
    assert np.flatnonzero(np.abs(full[0][0]).sum(axis=0)).tolist() == first.tolist()  # each unit finds itself
    reach = perturbation_reach(layers, weight_errors(layers, narrow), x)
    # where all removed units are off nothing moves, but for the order of the sums
    assert (np.abs(logits(layers, x) - logits(narrow, x)) <= reach * (1 + 1e-9) + 1e-12).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.floats(0, 2))
def test_observed_flips_error_and_gap_stay_within_their_bounds(seed, scale):
    rng = np.random.default_rng(seed)
    margins, y, groups = rng.normal(size=60), rng.integers(0, 2, 60), rng.integers(-1, 3, 60)
    reach = scale * rng.random(60)
    moved = margins + reach * rng.uniform(-1, 1, 60)
    bound = bound_flips(margins, reach, y=y, groups=groups, k=3)
    before, after = margins > 0, moved > 0
    assert (before != after).mean() <= bound.undecided
    change = (after != y).mean() - (before != y).mean()
    assert bound.error_low - 1e-12 <= change <= bound.error_high + 1e-12
    rates = [[side[groups == code].mean() for code in range(3)] for side in (before, after)]
    assert bound.gap == pytest.approx(np.ptp(rates[0]))
    assert bound.gap_low - 1e-12 <= np.ptp(rates[1]) <= bound.gap_high + 1e-12
    for code, share in enumerate(bound.groups):
        assert (before != after)[groups == code].mean() <= share


def test_an_unchanged_network_flips_nothing():
    layers = network([3, 5], np.random.default_rng(0))
    reach = perturbation_reach(layers, weight_errors(layers, layers), np.ones((4, 3)))
    assert reach.tolist() == [0.0] * 4
    bound = bound_flips(np.array([0.0, 1.0, -1.0, 0.0]), reach, groups=np.zeros(4, dtype=np.int64), k=2)
    assert bound.undecided == 0
    assert np.isnan([bound.groups[1], bound.gap, bound.error_high]).all()


def test_eight_bits_bound_usefully_and_four_hardly():
    rng = np.random.default_rng(0)
    layers = [(rng.normal(size=(10, 32)) / np.sqrt(10), np.zeros(32)), (rng.normal(size=(32, 1)) / 6, np.zeros(1))]
    x = rng.normal(size=(4000, 10))
    z = logits(layers, x)
    shares, flips = [], []
    for bits in (8, 4):
        changed = rounded(layers, bits)
        shares.append(bound_flips(z, perturbation_reach(layers, weight_errors(layers, changed), x)).undecided)
        flips.append(((z > 0) != (logits(changed, x) > 0)).mean())
    assert flips[0] < 0.01 < shares[0] < 0.15
    assert flips[1] < 0.1 < 0.7 < shares[1]


@pytest.mark.parametrize("widths", [[4, 8], [4, 7, 6]])
def test_what_is_no_part_of_the_network_is_refused(widths):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"layers: no bound|not part of"):
        embedded(network([4, 7], rng), network(widths, rng))
