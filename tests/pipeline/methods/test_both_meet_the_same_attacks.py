"""Two models are compared under the very same points and searches, paired row by row."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from efficienttrust.compression import Decision, NetworkScorer, export_onnx
from efficienttrust.errors import UsageError
from efficienttrust.pipeline.methods import compare_robustness, run_method
from tests.small_problems import FAIR, loans

EPS = 0.3


@pytest.fixture(scope="module")
def network():
    return run_method("threshold", loans(), budget="time=60 steps", targets=[FAIR]).run


def of_weights(run, weight, bias):
    """The run with a linear model of these weights as its file."""
    scorer = NetworkScorer(((weight.astype(np.float32)[:, None], np.array([bias], np.float32)),))
    return dataclasses.replace(run, content=export_onnx(None, loans().encoder, scorer, Decision()))


@pytest.mark.slow
def test_trees_and_a_network_are_compared(network):
    trees = run_method("trees_threshold", loans(), budget="time=60 steps", targets=[FAIR]).run
    found = compare_robustness(loans(), network, trees, eps=EPS, rows=40)
    for stand in (found.first, found.second):
        assert stand.both <= min(stand.transfer, stand.black_box)
        assert max(stand.transfer, stand.black_box) <= stand.clean
        assert stand.low <= stand.both <= stand.high
    assert found.difference == pytest.approx(found.first.both - found.second.both)
    assert found.low <= found.difference <= found.high
    assert found.n == 40
    swapped = compare_robustness(loans(), trees, network, eps=EPS, rows=40)
    assert (swapped.first, swapped.second) == (found.second, found.first), "the order of the two does not matter"


@pytest.mark.slow
def test_a_model_is_as_robust_as_itself(network):
    found = compare_robustness(loans(), network, network, eps=EPS, rows=40)
    assert found.difference == found.low == found.high == 0
    assert found.first.both < found.first.clean, "these attacks do fool it"


def test_a_constant_stands_and_a_steep_model_falls_as_far_as_its_margins_say(network):
    problem = loans()
    test = problem.splits["test"]
    weight = np.zeros(problem.encoder.n_features)
    constant = of_weights(network, weight, 1.0)
    weight[0] = 5.0  # income alone, a continuous column
    steep = of_weights(network, weight, 0.0)
    found = compare_robustness(problem, constant, steep, eps=EPS, rows=len(test))
    assert found.first.clean == found.first.both == pytest.approx((test.y == 1).mean())
    margin = np.where(test.y == 1, 1, -1) * test.x[:, 0]
    low, high = problem.domain.lower[0], problem.domain.upper[0]
    reached = np.clip(test.x[:, 0] - EPS * np.where(test.y == 1, 1, -1), low, high) * np.where(test.y == 1, 1, -1)
    assert found.second.clean == pytest.approx((margin > 0).mean(), abs=0.01)
    assert found.second.black_box == pytest.approx((reached > 0).mean(), abs=0.01), "a corner search finds the worst"


def test_other_data_are_refused(network):
    with pytest.raises(UsageError, match="other data"):
        compare_robustness(loans(700), network, network, eps=EPS)


def test_a_regression_is_refused(network):
    with pytest.raises(UsageError, match="regression"):
        compare_robustness(dataclasses.replace(loans(), task="regression"), network, network, eps=EPS)
