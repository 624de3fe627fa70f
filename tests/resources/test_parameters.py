"""Parameters of estimators, and sizes, against what scikit-learn and the file system say."""

from __future__ import annotations

import pickle

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from sklearn.ensemble import (
    AdaBoostClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from efficienttrust.errors import UsageError
from efficienttrust.resources.parameters import count_estimator_parameters, pickled_size, size_on_disk

ROWS, FEATURES = 120, 7


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, FEATURES))
    return x, (x[:, 0] * x[:, 1] + 0.3 * rng.normal(size=ROWS) > 0).astype(int)


def test_linear_models(table):
    assert count_estimator_parameters(LogisticRegression().fit(*table)).total == FEATURES + 1


def test_zeros_are_told_apart(table):
    model = LogisticRegression().fit(*table)
    model.coef_[0, :5] = 0.0
    count = count_estimator_parameters(model)
    assert (count.total, count.nonzero) == (FEATURES + 1, FEATURES + 1 - 5)
    assert "estimate" in count.note


def test_scaling_in_a_pipeline_counts(table):
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(*table)
    assert count_estimator_parameters(model).total == 3 * FEATURES + FEATURES + 1  # mean_, var_ and scale_


def test_networks_without_the_state_of_their_optimiser(table):
    model = MLPClassifier((5, 4), max_iter=3, early_stopping=True)
    with pytest.warns(match="Maximum iterations"):
        model.fit(*table)
    learned = sum(part.size for part in (*model.coefs_, *model.intercepts_))
    assert count_estimator_parameters(model).total == learned


def test_trees_count_their_nodes(table):
    tree = DecisionTreeClassifier(max_depth=3).fit(*table)
    assert count_estimator_parameters(tree).total == tree.tree_.node_count
    forest = RandomForestClassifier(5, max_depth=3).fit(*table)
    nodes = sum(tree.tree_.node_count for tree in forest.estimators_)
    assert count_estimator_parameters(forest).total == nodes
    boosted = GradientBoostingClassifier(n_estimators=4).fit(*table)
    nodes = sum(tree.tree_.node_count for tree in boosted.estimators_.ravel())
    priors = boosted.init_.class_prior_.size
    assert count_estimator_parameters(boosted).total == nodes + priors
    histograms = HistGradientBoostingClassifier(max_iter=4).fit(*table)
    nodes = sum(2 * trees[0].get_n_leaf_nodes() - 1 for trees in histograms._predictors)
    assert count_estimator_parameters(histograms).total == nodes + histograms._baseline_prediction.size


def test_weights_of_an_ensemble_count(table):
    model = AdaBoostClassifier(n_estimators=3).fit(*table)
    nodes = sum(tree.tree_.node_count for tree in model.estimators_)
    assert count_estimator_parameters(model).total == nodes + model.estimator_weights_.size


def test_estimators_reached_twice_count_once(table):
    model = VotingClassifier([("a", LogisticRegression()), ("b", DecisionTreeClassifier(max_depth=2))]).fit(*table)
    expected = FEATURES + 1 + model.named_estimators_["b"].tree_.node_count
    assert count_estimator_parameters(model).total == expected


def test_models_that_keep_rows(table):
    assert count_estimator_parameters(KNeighborsClassifier().fit(*table)).total == ROWS * FEATURES
    machine = SVC().fit(*table)
    vectors = machine.support_vectors_.size + machine.dual_coef_.size + machine.intercept_.size
    assert count_estimator_parameters(machine).total == vectors


def test_pickled_size_is_exact(table):
    model = RandomForestClassifier(5).fit(*table)
    assert pickled_size(model) == len(pickle.dumps(model, protocol=pickle.HIGHEST_PROTOCOL))


def test_size_of_files_and_folders(tmp_path):
    (tmp_path / "a").write_bytes(b"1" * 300)
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "b").write_bytes(b"1" * 40)
    assert size_on_disk(tmp_path / "a") == 300
    assert size_on_disk(tmp_path) == 340
    with pytest.raises(UsageError, match="No such file"):
        size_on_disk(tmp_path / "none")


def test_external_data_of_onnx_files_counts(tmp_path):
    weight = numpy_helper.from_array(np.ones((50, 40), dtype=np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 50])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 40])],
        [weight],
    )
    file = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph), file, save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert size_on_disk(file) == file.stat().st_size + (tmp_path / "weights.bin").stat().st_size > 8000
