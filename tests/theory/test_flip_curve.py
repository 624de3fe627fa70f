"""T9: the bound over bits and shares of pruned weights holds, is sharper than Weng's, and covers attacks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efficienttrust.errors import UsageError
from efficienttrust.theory import perturbation_reach, rounding_errors, weight_errors
from efficienttrust.theory._flip_curve import flip_curve, pruning_errors, robust_flip_bound
from efficienttrust.theory._lipschitz import logit

WIDTHS = st.lists(st.integers(1, 9), min_size=1, max_size=4)


def network(widths, rng):
    return [(rng.normal(size=(a, b)), rng.normal(size=b)) for a, b in pairwise([*widths, 1])]


def rounded(layers, bits):
    steps = [np.abs(w).max() / (2 ** (bits - 1) - 1) for w, _ in layers]
    return [(np.round(w / step) * step, b) for (w, b), step in zip(layers, steps, strict=True)]


def plain_reach(layers, errors, x):
    """Return the reach without a look at which units are on."""
    a, e = np.abs(x) * 0 + x, np.zeros_like(x)
    for (w, b), (error, offset) in zip(layers, errors, strict=True):
        e = e @ (np.abs(w) + error) + np.abs(a) @ error + offset
        a = np.maximum(a @ w + b, 0)
    return e[:, 0]


@settings(max_examples=50, deadline=None)
@given(WIDTHS, st.integers(0, 2**32), st.integers(3, 10))
def test_units_that_stay_off_sharpen_the_bound(widths, seed, bits):
    rng = np.random.default_rng(seed)
    layers, x = network(widths, rng), rng.normal(size=(50, widths[0]))
    errors = rounding_errors(layers, bits)
    assert (perturbation_reach(layers, errors, x) <= plain_reach(layers, errors, x) * (1 + 1e-12)).all()


def test_a_unit_that_cannot_turn_on_moves_nothing():
    layers = [(np.array([[1.0, 1.0]]), np.array([-5.0, 5.0])), (np.ones((2, 1)), np.zeros(1))]
    errors = [(np.array([[0.1, 0.1]]), np.zeros(2)), (np.zeros((2, 1)), np.zeros(1))]
    assert perturbation_reach(layers, errors, np.array([[1.0]])) == pytest.approx([0.1])
    assert perturbation_reach(layers, errors, np.array([[4.95]])) == pytest.approx([0.495 + 0.445])


@settings(max_examples=30, deadline=None)
@given(WIDTHS, st.integers(0, 2**32))
def test_what_is_observed_stays_below_the_curve_of_bits(widths, seed):
    rng = np.random.default_rng(seed)
    layers, x = network(widths, rng), rng.normal(size=(60, widths[0]))
    y, groups = rng.integers(0, 2, 60), rng.integers(0, 2, 60)
    thresholds = np.array([0.2, -0.1])[groups]
    bits = (2, 4, 6, 8, 12)
    curve = flip_curve(layers, x, bits=bits, thresholds=thresholds, y=y, groups=groups)
    assert curve.settings == bits
    assert (np.diff(curve.flips.value) <= 0).all()
    before = logit(layers, x) > thresholds
    for place, b in enumerate(bits):
        after = logit(rounded(layers, b), x) > thresholds
        assert (before != after).mean() <= curve.flips.value[place]
        assert abs((after == y).mean() - (before == y).mean()) <= curve.accuracy.value[place] + 1e-12
        gaps = [np.ptp([said[groups == code].mean() for code in (0, 1)]) for said in (before, after)]
        assert abs(gaps[1] - gaps[0]) <= curve.gap.value[place] + 1e-12


@settings(max_examples=30, deadline=None)
@given(WIDTHS, st.integers(0, 2**32), st.floats(0, 1))
def test_what_pruning_flips_stays_below_the_curve_of_shares(widths, seed, share):
    rng = np.random.default_rng(seed)
    layers, x = network(widths, rng), rng.normal(size=(60, widths[0]))
    errors = pruning_errors(layers, share)
    kept = [(np.where(error > 0, 0.0, w), b) for (w, b), (error, _) in zip(layers, errors, strict=True)]
    zeros = sum((w == 0).sum() for w, _ in kept)
    assert zeros == round(share * sum(w.size for w, _ in layers))
    assert max((np.abs(w[v == 0]).max(initial=0) for (w, _), (v, _) in zip(layers, kept, strict=True))) <= min(
        (np.abs(v[v != 0]).min(initial=np.inf) for v, _ in kept)
    )
    for (known, _), (error, _) in zip(weight_errors(layers, kept), errors, strict=True):
        assert known == pytest.approx(error)
    curve = flip_curve(layers, x, sparsities=(share,))
    assert ((logit(layers, x) > 0) != (logit(kept, x) > 0)).mean() <= curve.flips.value[0]
    assert np.isnan(curve.gap.value).all()
    assert np.isnan(curve.accuracy.value).all()


def test_nothing_pruned_flips_nothing_and_two_bits_of_a_deep_network_are_vacuous():
    rng = np.random.default_rng(0)
    layers, x = network([5, 9, 9, 9], rng), rng.normal(size=(100, 5))
    assert flip_curve(layers, x, sparsities=(0.0,)).flips.value.tolist() == [0.0]
    coarse = flip_curve(layers, x, bits=(2,))
    assert coarse.flips.value.tolist() == [1.0]
    assert coarse.flips.vacuous
    assert flip_curve(layers, x, bits=(20,)).flips.rigorous


@pytest.mark.parametrize("norm", ["l1", "l2", "linf"])
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(3, 10), st.floats(0, 0.5))
def test_robust_answers_of_a_linear_model_change_within_the_bound(norm, seed, bits, eps):
    rng = np.random.default_rng(seed)
    layers, x = network([6], rng), rng.normal(size=(80, 6))
    y, groups = rng.integers(0, 2, 80), rng.integers(0, 2, 80)
    bound = robust_flip_bound(layers, rounding_errors(layers, bits), x, y, eps, norm=norm, threshold=0.1, groups=groups)

    def stands(network_):
        w = network_[0][0]
        size = {"l1": np.abs(w).max(), "l2": np.linalg.norm(w), "linf": np.abs(w).sum()}[norm]
        return (2 * y - 1) * (logit(network_, x) - 0.1) > eps * size

    before, after = stands(layers), stands(rounded(layers, bits))
    assert (before != after).mean() <= bound.undecided
    change = (~after).mean() - (~before).mean()
    assert bound.error_low - 1e-12 <= change <= bound.error_high + 1e-12
    gap = np.ptp([after[groups == code].mean() for code in (0, 1)])
    assert bound.gap_low - 1e-12 <= gap <= bound.gap_high + 1e-12


def test_without_an_attack_the_robust_bound_is_that_of_errors():
    rng = np.random.default_rng(0)
    layers, x, y = network([4], rng), rng.normal(size=(50, 4)), rng.integers(0, 2, 50)
    robust = robust_flip_bound(layers, rounding_errors(layers, 5), x, y, 0.0)
    plain = flip_curve(layers, x, bits=(5,), y=y).bounds[0]
    assert (robust.undecided, robust.error_low, robust.error_high) == pytest.approx(
        (plain.undecided, plain.error_low, plain.error_high)
    )


LAYERS = network([4, 3], np.random.default_rng(0))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: flip_curve(LAYERS, np.ones((2, 4))), "either bits or sparsities"),
        (lambda: flip_curve(LAYERS, np.ones((2, 4)), bits=(8,), sparsities=(0.5,)), "either bits or sparsities"),
        (lambda: flip_curve(LAYERS, np.ones((2, 4)), sparsities=(1.5,)), "pruned weights is 1.5"),
        (lambda: flip_curve(LAYERS, np.ones((2, 4)), bits=(8,), y=[1]), "y has the shape"),
        (lambda: robust_flip_bound(LAYERS, LAYERS, np.ones((2, 4)), [0, 1], 0.1), "give a linear model"),
    ],
)
def test_bad_input_is_one_line(call, says):
    with pytest.raises(UsageError, match=says):
        call()
