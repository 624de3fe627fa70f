"""A LightGBM model keeps every decision when its trees are taken over."""

from __future__ import annotations

from typing import Any

import lightgbm
import numpy as np
import pytest

from efficienttrust.compression import Decision, DeployedModel, export_onnx, score_encoded
from efficienttrust.compression._lightgbm_trees import tree_scorer_of_lightgbm

from .conftest import adult_like_encoder, adult_like_frame

FIXED = {"objective": "binary", "verbose": -1, "num_threads": 1, "deterministic": True, "seed": 0}


def rows(n: int = 4000, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 12)).astype(np.float32)
    x[:, 4] = rng.integers(0, 5, n)
    x[:, 5:] = x[:, 5:] > 0.8
    return x, (x[:, 0] * x[:, 1] + x[:, 4] - 2 + x[:, 6] + 0.5 * rng.normal(size=n)) > 0


def boosted(x: np.ndarray, y: np.ndarray, trees: int = 30, **parameters: Any) -> Any:
    return lightgbm.train({**FIXED, **parameters}, lightgbm.Dataset(x, y.astype(int)), trees)


def raw(booster: Any, x: np.ndarray) -> np.ndarray:
    return np.asarray(booster.predict(x.astype(np.float64), raw_score=True))


@pytest.mark.parametrize(
    "parameters", [{}, {"num_leaves": 2}, {"num_leaves": 255, "min_data_in_leaf": 1}, {"bagging_freq": 1}]
)
def test_scores_are_those_of_lightgbm(parameters: dict[str, Any]) -> None:
    x, y = rows()
    booster = boosted(x, y, **parameters)
    np.testing.assert_allclose(score_encoded(tree_scorer_of_lightgbm(booster), x), raw(booster, x), atol=1e-5)


def test_scores_are_those_of_lightgbm_right_at_the_thresholds() -> None:
    x, y = rows()
    booster = boosted(x, y)
    trees = tree_scorer_of_lightgbm(booster)
    inner = np.flatnonzero(~trees.is_leaf)
    near = np.repeat(x[:1], 3 * len(inner), axis=0)
    for k, node in enumerate(inner):  # the threshold and its two float32 neighbours
        at = trees.threshold[node]
        near[3 * k : 3 * k + 3, trees.feature[node]] = (
            at,
            np.nextafter(at, np.float32(9)),
            np.nextafter(at, np.float32(-9)),
        )
    np.testing.assert_allclose(score_encoded(trees, near), raw(booster, near), atol=1e-5)


def test_every_node_has_one_parent_and_the_counts_are_lightgbms() -> None:
    x, y = rows()
    booster = boosted(x, y, trees=5)
    trees = tree_scorer_of_lightgbm(booster)
    inner = ~trees.is_leaf
    children = np.sort(np.concatenate([trees.left[inner], trees.right[inner], trees.roots]))
    np.testing.assert_array_equal(children, np.arange(len(trees.value)))
    table = booster.trees_to_dataframe()
    assert len(trees.value) == len(table)
    assert trees.depth == table["node_depth"].max() - 1


def test_trees_after_the_best_iteration_are_left_out() -> None:
    x, y = rows()
    booster = boosted(x, y)
    booster.best_iteration = 7
    trees = tree_scorer_of_lightgbm(booster)
    assert len(trees.roots) == 7
    np.testing.assert_allclose(score_encoded(trees, x), raw(booster, x), atol=1e-5)


def test_a_model_that_never_splits_gives_the_prior() -> None:
    x = np.zeros((100, 2), dtype=np.float32)
    booster = boosted(x, np.arange(100) % 4 == 0, trees=2)
    np.testing.assert_allclose(score_encoded(tree_scorer_of_lightgbm(booster), x), np.log(1 / 3), atol=1e-5)


def test_the_exported_file_scores_alike() -> None:
    encoder, frame = adult_like_encoder(), adult_like_frame(600)
    x = encoder.transform(frame)
    booster = boosted(x, np.random.default_rng(0).normal(size=len(x)) + x[:, 0] > 0, trees=10)
    trees = tree_scorer_of_lightgbm(booster)
    margin = DeployedModel(export_onnx(None, encoder, trees, Decision(0.2))).run(frame).margin
    np.testing.assert_allclose(margin, raw(booster, x) - 0.2, atol=1e-5)


def test_models_that_are_no_sum_of_threshold_trees_are_refused() -> None:
    x, y = rows(500)

    def refused(trained: Any, words: str) -> None:
        with pytest.raises(ValueError, match=words):
            tree_scorer_of_lightgbm(trained)

    codes = np.random.default_rng(0).integers(0, 6, (500, 1)).astype(np.float32)
    odd = np.isin(codes[:, 0], [1, 3])
    categories = lightgbm.Dataset(codes, odd.astype(int), categorical_feature=[0], params={"verbose": -1})
    refused(lightgbm.train({**FIXED, "min_data_per_group": 5}, categories, 2), "categorical")
    refused(boosted(x, y, trees=2, linear_tree=True), "linear")
    refused(boosted(x, y, trees=2, zero_as_missing=True), "as missing")
    refused(boosted(x, y, trees=2, sigmoid=2.0), "sigmoid 1")
    refused(boosted(x, y, trees=2, objective="cross_entropy"), "cross_entropy")
    refused(boosted(x, y, trees=2, objective="regression", reg_sqrt=True), "sqrt")
    refused(boosted(x, y, trees=2, boosting="rf", bagging_freq=1, bagging_fraction=0.5), "averages")
