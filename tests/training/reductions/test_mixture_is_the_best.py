"""The mixture is the best in the hull, and the blend's logit is the weighted mean of its members'."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from efficienttrust.compression import NetworkScorer, TreeScorer, score_encoded
from efficienttrust.models import build_mlp
from efficienttrust.training.reductions import best_mixture, blended
from tests.small_problems import loans, train

PRICE = 100.0


def value(weights, errors, gammas, bound):
    return weights @ errors + PRICE * max(0.0, float((weights @ gammas - bound).max()))


@pytest.mark.parametrize("seed", range(5))
def test_no_mixture_of_a_fine_grid_is_better(seed):
    rng = np.random.default_rng(seed)
    errors, gammas, bound = rng.uniform(0.1, 0.4, 3), rng.normal(0.0, 0.1, (3, 4)), np.full(4, 0.02)
    found = best_mixture(errors, gammas, bound, PRICE)
    assert found.sum() == pytest.approx(1.0)
    assert found.min() >= 0
    grid = (np.array([i, j, 100 - i - j]) / 100 for i, j in itertools.product(range(101), repeat=2) if i + j <= 100)
    assert value(found, errors, gammas, bound) <= min(value(one, errors, gammas, bound) for one in grid) + 1e-9


def test_two_models_are_mixed_just_so_far_that_the_bound_holds():
    errors, gammas = np.array([0.1, 0.3]), np.array([[0.2], [0.0]])
    np.testing.assert_allclose(best_mixture(errors, gammas, np.array([0.05]), PRICE), [0.25, 0.75], atol=1e-9)


def test_a_bound_that_no_model_reaches_gives_the_model_nearest_to_it():
    errors, gammas = np.array([0.1, 0.3]), np.array([[0.4], [0.3]])
    np.testing.assert_allclose(best_mixture(errors, gammas, np.array([0.05]), PRICE), [0.0, 1.0], atol=1e-9)


@pytest.mark.parametrize("widths", [(), (5,), (7, 4), (6, 5, 3)])
def test_the_logit_of_a_blend_of_networks_is_the_mean(widths):
    x = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    networks = [NetworkScorer(build_mlp(n_features=6, widths=widths, seed=seed).layers()) for seed in range(3)]
    weights = np.array([0.2, 0.5, 0.3])
    blend = blended(networks, weights)
    mean = sum(w * score_encoded(one, x).astype(np.float64) for one, w in zip(networks, weights, strict=True))
    np.testing.assert_allclose(score_encoded(blend, x), mean, atol=1e-5)
    if not widths:
        assert blend.n_parameters == networks[0].n_parameters


def test_the_logit_of_a_blend_of_forests_is_the_mean():
    forests = []
    for budget in ("steps=10", "steps=30"):
        scorer = train(loans(), budget, trainer="trees")[0].members[0].scorer
        assert isinstance(scorer, TreeScorer)
        forests.append(scorer)
    x, weights = loans().splits["test"].x, np.array([0.7, 0.3])
    mean = sum(w * score_encoded(one, x).astype(np.float64) for one, w in zip(forests, weights, strict=True))
    np.testing.assert_allclose(score_encoded(blended(forests, weights), x), mean, atol=1e-5)
