"""A forest for each class, or one for a number: the parent and the exported file say what the library says."""

from __future__ import annotations

from functools import cache
from typing import Any

import lightgbm
import numpy as np
import onnx
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from efficienttrust.compression import (
    Decision,
    DeployedModel,
    TreeScorer,
    export_onnx,
    score_encoded,
    tree_scorer_of_lightgbm,
)
from efficienttrust.data import Encoder, NumericFeature

from .conftest import adult_like_encoder, adult_like_frame

FIXED = {"verbose": -1, "num_threads": 1, "deterministic": True, "seed": 0}
CLASSES = ("ash", "elm", "fir", "oak")
FAR = 5000.0  # where the numbers lie that are predicted, in their standard deviations


@cache
def rows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Encoded rows [n, d], classes [n] of which one is rare, and numbers [n]."""
    x = adult_like_encoder().transform(adult_like_frame(3000))
    noise = np.random.default_rng(0).gumbel(size=(len(x), 4))
    scores = np.stack([x[:, 0], x[:, 1] * x[:, 2], x[:, 3] + x[:, 10], x[:, 4] - 3.0], axis=1)
    return x, (scores + 0.3 * noise).argmax(axis=1), FAR + x[:, 0] * x[:, 1] + x[:, 10] + 0.1 * noise[:, 0]


@cache
def classes_of_sklearn() -> tuple[TreeScorer, Any]:
    x, y, _ = rows()
    model = HistGradientBoostingClassifier(max_iter=25, random_state=0).fit(x, y)
    return TreeScorer.from_sklearn(model), model.predict_proba


@cache
def classes_of_lightgbm() -> tuple[TreeScorer, Any]:
    x, y, _ = rows()
    booster = lightgbm.train({**FIXED, "objective": "multiclass", "num_class": 4}, lightgbm.Dataset(x, y), 25)
    return tree_scorer_of_lightgbm(booster), booster.predict


@cache
def numbers_of_sklearn() -> tuple[TreeScorer, Any]:
    x, _, y = rows()
    model = HistGradientBoostingRegressor(max_iter=60, random_state=0).fit(x, y)
    return TreeScorer.from_sklearn(model), model.predict


@cache
def numbers_of_lightgbm() -> tuple[TreeScorer, Any]:
    x, _, y = rows()
    booster = lightgbm.train({**FIXED, "objective": "regression"}, lightgbm.Dataset(x, y), 60)
    return tree_scorer_of_lightgbm(booster), booster.predict


def softmax(z: np.ndarray) -> np.ndarray:
    odds = np.exp(z - z.max(axis=1, keepdims=True), dtype=np.float64)
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("make", [classes_of_sklearn, classes_of_lightgbm])
def test_probabilities_of_the_file_are_those_of_the_library(make) -> None:
    trees, probabilities = make()
    assert (trees.outputs, trees.rounds, len(trees.roots)) == (4, 25, 100)
    content = export_onnx(None, adult_like_encoder(), trees, Decision(), task="multiclass", classes=CLASSES)
    onnx.checker.check_model(content, full_check=True)
    file, frame = DeployedModel(content), adult_like_frame(1500, seed=9)
    said, x = file.run(frame), adult_like_encoder().transform(frame)
    expected = probabilities(x.astype(np.float64))
    np.testing.assert_allclose(said.score, expected, atol=1e-5)
    np.testing.assert_array_equal(said.decision, expected.argmax(axis=1))
    ranked = np.sort(np.log(expected), axis=1)
    np.testing.assert_allclose(said.margin, ranked[:, -1] - ranked[:, -2], atol=1e-4)
    np.testing.assert_allclose(softmax(score_encoded(trees, x)), expected, atol=1e-5)
    assert file.n_parameters == trees.n_parameters == len(trees.value) + 4


@pytest.mark.parametrize("make", [numbers_of_sklearn, numbers_of_lightgbm])
def test_numbers_of_the_file_are_those_of_the_library(make) -> None:
    trees, predict = make()
    content = export_onnx(None, adult_like_encoder(), trees, Decision(), task="regression")
    onnx.checker.check_model(content, full_check=True)
    file, frame = DeployedModel(content), adult_like_frame(1500, seed=9)
    said, x = file.run(frame), adult_like_encoder().transform(frame)
    expected = predict(x.astype(np.float64))
    assert said.score.shape == (1500,)
    np.testing.assert_allclose(said.score, expected, rtol=1e-6)  # float32 near 5000 counts in steps of 1e-7 of it
    np.testing.assert_allclose(score_encoded(trees, x), expected, rtol=1e-6)
    assert file.n_parameters == trees.n_parameters


@pytest.mark.parametrize("make", [classes_of_sklearn, classes_of_lightgbm])
def test_every_row_takes_the_path_of_the_library_right_at_the_thresholds(make) -> None:
    trees, probabilities = make()
    inner = np.flatnonzero(~trees.is_leaf)[::7]
    near = np.repeat(rows()[0][:1], 3 * len(inner), axis=0)
    for k, node in enumerate(inner):  # the threshold and its two float32 neighbours
        at = trees.threshold[node]
        beside = np.nextafter(at, np.float32(9)), np.nextafter(at, np.float32(-9))
        near[3 * k : 3 * k + 3, trees.feature[node]] = (at, *beside)
    np.testing.assert_allclose(softmax(score_encoded(trees, near)), probabilities(near.astype(np.float64)), atol=1e-5)


@pytest.mark.parametrize("count", [0, 1, 2049])
def test_any_number_of_rows_is_scored(count: int) -> None:
    trees, _ = classes_of_sklearn()
    x = np.resize(rows()[0], (count, trees.n_features))
    assert score_encoded(trees, x).shape == (count, 4)


def test_forests_without_a_split_give_the_shares_of_the_classes() -> None:
    encoder = Encoder(numeric=(NumericFeature("a", False, 0, 0, 1, 0, 1, False),), categorical=())
    frame = adult_like_frame(120).assign(a=1.0)
    y = np.arange(120) % 6 % 4
    trees = TreeScorer.from_sklearn(HistGradientBoostingClassifier(max_iter=3).fit(encoder.transform(frame), y))
    file = DeployedModel(export_onnx(None, encoder, trees, Decision(), task="multiclass", classes=CLASSES))
    np.testing.assert_allclose(file.run(frame).score, np.tile(np.bincount(y) / 120, (120, 1)), atol=1e-5)


def test_what_is_no_sum_of_whole_rounds_is_refused() -> None:
    from dataclasses import replace

    x, _, y = rows()
    with pytest.raises(ValueError, match="loss='gamma'"):
        TreeScorer.from_sklearn(HistGradientBoostingRegressor(loss="gamma", max_iter=2).fit(x, y))
    trees, _ = classes_of_sklearn()
    with pytest.raises(ValueError, match="99 trees are no whole rounds of 4"):
        replace(trees, roots=trees.roots[:-1])
    with pytest.raises(ValueError, match="4 logits, there are 3 classes"):
        export_onnx(None, adult_like_encoder(), trees, Decision(), task="multiclass", classes=CLASSES[:3])
    ova = {**FIXED, "objective": "multiclassova", "num_class": 4}
    with pytest.raises(ValueError, match="multiclassova"):
        tree_scorer_of_lightgbm(lightgbm.train(ova, lightgbm.Dataset(x, rows()[1]), 2))
