"""Metrics of linear rules on Gaussian groups: published values, Monte Carlo, brute force, and the noise of a sample."""

from __future__ import annotations

import numpy as np
import pytest

from efficienttrust.atats.learning import draw_tasks
from efficienttrust.atats.learning._metrics import (
    MIDDLE,
    THRESHOLDS,
    Curves,
    at,
    calibrated,
    curves_of,
    sampled_curves,
    violations,
    weights_of,
)

N = 100_000


def balanced(mu: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return means and weights of y = +-1 with x ~ N(y mu, I) in both groups."""
    means = np.stack([np.stack([-mu, mu])] * 2)[None]
    return means, weights_of(0.5, np.array([0.5, 0.5]), 0.0)[None]


@pytest.mark.parametrize(("eps", "error"), [(0.0, 0.0699072), (0.25, 0.135914)])
def test_best_linear_rule_has_the_robust_error_of_the_literature(eps: float, error: float) -> None:
    mu = np.array([1.2, 0.8, 0.3, 0.1])
    w = np.sign(mu) * np.maximum(np.abs(mu) - eps, 0.0)  # soft threshold: Dobriban et al. 2020 for the maximum norm
    means, weights = balanced(mu)
    curves = curves_of(w[None], np.zeros(1), means, np.array([eps]), weights)
    assert 1.0 - curves.robust[0, :, MIDDLE].sum() == pytest.approx(error, abs=1e-6)


@pytest.mark.parametrize("index", range(2))
def test_closed_form_agrees_with_rows_drawn_and_attacked(index: int) -> None:
    task, rng = draw_tasks(3, 3)[index], np.random.default_rng(index)
    d = task.features
    w, b = np.zeros(task.means.shape[-1]), rng.normal()
    w[:d] = rng.standard_normal(d)
    group = (rng.random(N) < task.group_share).astype(int)
    label = (rng.random(N) < task.base_rates[group]).astype(int)
    recorded = np.where(rng.random(N) < task.label_noise, 1 - label, label)
    x = task.means[group, label, :d] + rng.standard_normal((N, d))
    attacked = x - task.eps * np.sign(w[:d]) * (2 * recorded - 1)[:, None]
    threshold = 14
    cut = THRESHOLDS[threshold] * np.linalg.norm(w)
    decided, robust = x @ w[:d] + b > cut, attacked @ w[:d] + b > cut
    weights = weights_of(task.group_share, task.base_rates, task.label_noise)
    curves = curves_of(w[None], np.array([b]), task.means[None], np.array([task.eps]), weights[None])
    chosen = np.full((1, 2), threshold)
    accuracy, gap, under_attack = (float(one[0]) for one in at(curves, chosen))
    assert accuracy == pytest.approx((decided == recorded).mean(), abs=4 * 0.5 / N**0.5)
    assert under_attack == pytest.approx((robust == recorded).mean(), abs=4 * 0.5 / N**0.5)
    smallest = min((group == 0).sum(), (group == 1).sum())
    assert gap == pytest.approx(abs(decided[group == 1].mean() - decided[group == 0].mean()), abs=4 / smallest**0.5)


def test_without_a_radius_robust_accuracy_is_accuracy() -> None:
    tasks = draw_tasks(5, 4)
    rng = np.random.default_rng(0)
    curves = curves_of(
        rng.standard_normal((4, 32)), rng.standard_normal(4), np.stack([t.means for t in tasks]), np.zeros(4),
        np.stack([weights_of(t.group_share, t.base_rates, t.label_noise) for t in tasks]),
    )  # fmt: skip
    np.testing.assert_allclose(curves.robust, curves.right)


def test_a_sample_is_binomial_around_the_exact_value() -> None:
    mu, n, rows = np.array([0.7, 0.2]), 4000, 200
    means, weights = balanced(mu)
    many = np.repeat(means, n, axis=0)
    counts = np.tile(np.array([[[50, 0], [0, 50]], [[50, 0], [0, 50]]]), (n, 1, 1, 1))
    w, b, eps = np.tile(mu, (n, 1)), np.full(n, 0.1), np.full(n, 0.2)
    seen = sampled_curves(w, b, many, eps, counts, counts, np.random.default_rng(0))
    exact = curves_of(w[:1], b[:1], means, eps[:1], weights)
    for name in ("right", "robust"):
        values, truth = getattr(seen, name)[..., 13].sum(axis=1), getattr(exact, name)[0, :, 13].sum()
        assert values.mean() == pytest.approx(truth, abs=4 * (truth * (1 - truth) / rows / n) ** 0.5)
        by_cell = 2 * 50 * sum(  # of label 0, and of label 1: their rates differ
            rate * (1 - rate) for rate in (2 * getattr(exact, name)[0, :, 13].sum() - _of_ones(exact, name),
                                           _of_ones(exact, name))
        ) / rows**2  # fmt: skip
        assert values.var() == pytest.approx(by_cell, rel=0.15)


def _of_ones(exact: Curves, name: str) -> float:
    """Return the share of right decisions among rows of label 1, in the balanced task of the test above."""
    from scipy.special import ndtr

    moved = 0.2 * 0.9 / np.hypot(0.7, 0.2) if name == "robust" else 0.0
    return float(ndtr(np.hypot(0.7, 0.2) + 0.1 / np.hypot(0.7, 0.2) - moved - THRESHOLDS[13]))


@pytest.mark.parametrize("aware", [False, True])
def test_calibration_is_the_best_of_all_pairs_of_thresholds(aware: bool) -> None:
    task = draw_tasks(8, 1)[0]
    weights = weights_of(task.group_share, task.base_rates, task.label_noise)[None]
    rng = np.random.default_rng(1)
    curves = curves_of(rng.standard_normal((1, 32)), np.zeros(1), task.means[None], np.array([task.eps]), weights)
    bounds = np.array([[0.03, 0.6]])

    def value(first: int, second: int) -> float:
        accuracy, gap, robust = at(curves, np.array([[first, second]]))
        return float(accuracy[0] - 2.0 * violations(gap, robust, bounds).sum())

    k = len(THRESHOLDS)
    pairs = [(i, j) for i in range(k) for j in range(k) if aware or i == j]
    chosen = calibrated(curves, bounds, np.array([aware]), 2.0)[0]
    assert value(*chosen) == pytest.approx(max(value(*pair) for pair in pairs))
    assert aware or chosen[0] == chosen[1]


def test_a_target_that_is_not_set_is_never_violated() -> None:
    found = violations(np.array([0.4]), np.array([0.1]), np.array([[np.nan, np.nan]]))
    assert found.tolist() == [[0.0, 0.0]]
    assert violations(np.array([0.4]), np.array([0.1]), np.array([[0.1, 0.5]]))[0] == pytest.approx([0.3, 0.4])
