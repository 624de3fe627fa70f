"""The float parents against torch and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.ensemble import HistGradientBoostingClassifier

from efficienttrust.compression import Decision, NetworkScorer, TreeScorer, cut_encoded, margin_encoded, score_encoded

from .conftest import random_head, random_network


def test_network_agrees_with_torch() -> None:
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Linear(12, 32), torch.nn.ReLU(), torch.nn.Linear(32, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1)
    )
    layers = [part for part in network if isinstance(part, torch.nn.Linear)]
    scorer = NetworkScorer(tuple((p.weight.detach().numpy().T, p.bias.detach().numpy()) for p in layers))
    x = np.random.default_rng(0).normal(size=(500, 12)).astype(np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(x)).numpy()[:, 0]
    np.testing.assert_allclose(score_encoded(scorer, x), expected, atol=1e-5)
    assert scorer.n_parameters == sum(p.numel() for p in network.parameters())


@pytest.fixture(scope="module")
def fitted() -> tuple[HistGradientBoostingClassifier, np.ndarray]:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(6000, 12)).astype(np.float32)
    x[:, 4] = rng.integers(0, 5, len(x))
    x[:, 5:] = x[:, 5:] > 0.8
    y = (x[:, 0] * x[:, 1] + x[:, 4] - 2 + x[:, 6] + 0.5 * rng.normal(size=len(x))) > 0
    return HistGradientBoostingClassifier(max_iter=40, random_state=0).fit(x, y), x


def test_trees_agree_with_sklearn(fitted: tuple[HistGradientBoostingClassifier, np.ndarray]) -> None:
    model, x = fitted
    np.testing.assert_allclose(score_encoded(TreeScorer.from_sklearn(model), x), model.decision_function(x), atol=1e-5)


def test_trees_agree_with_sklearn_right_at_the_thresholds(
    fitted: tuple[HistGradientBoostingClassifier, np.ndarray],
) -> None:
    model, x = fitted
    trees = TreeScorer.from_sklearn(model)
    inner = np.flatnonzero(~trees.is_leaf)
    rows = np.repeat(x[:1], 3 * len(inner), axis=0)
    for k, node in enumerate(inner):  # the threshold and its two float32 neighbours
        at = trees.threshold[node]
        rows[3 * k : 3 * k + 3, trees.feature[node]] = (
            at,
            np.nextafter(at, np.float32(9)),
            np.nextafter(at, np.float32(-9)),
        )
    np.testing.assert_allclose(score_encoded(trees, rows), model.decision_function(rows), atol=1e-5)


def test_a_single_leaf_is_the_baseline() -> None:
    x = np.zeros((100, 2), dtype=np.float32)
    model = HistGradientBoostingClassifier(max_iter=2).fit(x, np.arange(100) % 4 == 0)
    np.testing.assert_allclose(score_encoded(TreeScorer.from_sklearn(model), x), np.log(1 / 3), atol=1e-5)


def test_trees_with_native_categories_are_refused() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 5, (500, 1)).astype(np.float32)
    model = HistGradientBoostingClassifier(max_iter=3, categorical_features=[0]).fit(x, np.isin(x[:, 0], [1, 3]))
    with pytest.raises(ValueError, match="categorical"):
        TreeScorer.from_sklearn(model)


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_margin_is_the_formula(rows: int) -> None:
    scorer, (weight, bias) = random_network((6, 4, 1)), random_head(6, 3)
    offsets = np.array([0.3, -0.2, 0.05])
    x = np.random.default_rng(0).normal(size=(rows, 6)).astype(np.float32)
    z = score_encoded(scorer, x)
    logits = x.astype(np.float64) @ weight + bias
    probability = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    blind = margin_encoded(scorer, Decision(0.4, offsets, (weight, bias)), x)
    np.testing.assert_allclose(blind, z - 0.4 - probability @ offsets, atol=1e-5)
    groups = np.array([0, 2, -1, 1, 0])[:rows]
    aware = margin_encoded(scorer, Decision(0.4, offsets, by_group=True), x, groups)
    np.testing.assert_allclose(aware, z - 0.4 - np.append(offsets, 0)[groups], atol=1e-5)
    np.testing.assert_allclose(margin_encoded(scorer, Decision(0.4), x), z - 0.4, atol=1e-6)


def test_scorer_and_decision_keep_their_values() -> None:
    parameter = torch.nn.Parameter(torch.ones(3, 1))
    scorer = NetworkScorer(((parameter.detach().numpy(), np.zeros(1)),))
    decision = Decision(0.0, np.zeros(1), (parameter.detach().numpy(), np.zeros(1)))
    with torch.no_grad():
        parameter.mul_(5)
    assert score_encoded(scorer, np.ones((1, 3))) == 3
    assert decision.head is not None
    assert decision.head[0].max() == 1


def test_softmax_of_huge_logits_is_finite() -> None:
    head = (np.full((1, 2), 1e4, dtype=np.float32) * [1, -1]).astype(np.float32), np.zeros(2, dtype=np.float32)
    cut = cut_encoded(Decision(0.0, np.array([1.0, 2.0]), head), np.array([[1e3], [-1e3]]))
    np.testing.assert_allclose(cut, [1, 2])


def test_values_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="layer 1 takes 5"):
        NetworkScorer(((np.zeros((3, 4)), np.zeros(4)), (np.zeros((5, 1)), np.zeros(1))))
    with pytest.raises(ValueError, match="one output"):
        NetworkScorer(((np.zeros((3, 2)), np.zeros(2)),))
    with pytest.raises(ValueError, match="do not fit"):
        NetworkScorer(((np.zeros((3, 1)), np.zeros(2)),))
    with pytest.raises(ValueError, match="at least one layer"):
        NetworkScorer(())
    with pytest.raises(ValueError, match="does not fit 2"):
        Decision(0.0, np.zeros(2), random_head(4, 3))
    with pytest.raises(ValueError, match="not both"):
        Decision(0.0, np.zeros(3), random_head(4, 3), by_group=True)
    with pytest.raises(ValueError, match="6 features"):
        score_encoded(random_network((6, 1)), np.zeros((2, 5)))
    with pytest.raises(ValueError, match="group codes"):
        cut_encoded(Decision(0.0, np.zeros(2), by_group=True), np.zeros((2, 5)))
    with pytest.raises(ValueError, match="code 2 has no offset"):
        cut_encoded(Decision(0.0, np.zeros(2), by_group=True), np.zeros((1, 5)), np.array([2]))
