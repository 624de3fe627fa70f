"""GridSearchCV, Pipeline, cross_val_predict, clone, pickle and fairlearn's MetricFrame take it as any classifier."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import sklearn
from fairlearn.metrics import MetricFrame, demographic_parity_difference, selection_rate
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from efficienttrust.metrics import Outcome, measure
from tests.integrations.sklearn.people import TARGETS, classifier, people, trained


def test_grid_search_routes_the_groups_and_refits():
    X, y, sex = people()
    with sklearn.config_context(enable_metadata_routing=True):
        asking = classifier(targets=TARGETS).set_fit_request(sensitive_features=True, sample_weight=True)
        asking = asking.set_score_request(sample_weight=True)
        search = GridSearchCV(asking, {"policy": ["plan", "static"]}, cv=2, error_score="raise")
        search.fit(X, y, sensitive_features=sex, sample_weight=np.ones(len(y)))
    best = search.best_estimator_
    assert best.run_.document["spec"]["policy"] == search.best_params_["policy"]
    assert [one.target for one in best.run_.verdicts] == ["demographic_parity_difference <= 0.2", "accuracy >= 0.55"]
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_a_pipeline_routes_them_to_prediction_as_well():
    X, y, sex = people()
    numbers = make_column_transformer(
        (StandardScaler(), ["income", "debt"]), remainder="passthrough", verbose_feature_names_out=False
    ).set_output(transform="pandas")
    with sklearn.config_context(enable_metadata_routing=True):
        last = classifier(targets=TARGETS, use_groups_at_prediction=True)
        last.set_fit_request(sensitive_features=True).set_predict_request(sensitive_features=True)
        pipeline = make_pipeline(numbers, last).fit(X, y, sensitive_features=sex)
        answers = pipeline.predict(X, sensitive_features=sex)
    assert set(pipeline[-1].feature_names_in_) == set(X.columns)
    assert accuracy_score(y, answers) > 0.6


def test_predictions_of_folds():
    X, y, _ = people()
    out_of_fold = cross_val_predict(classifier(), X, y, cv=2, method="predict_proba")
    assert out_of_fold.shape == (300, 2)
    assert accuracy_score(y == "yes", out_of_fold[:, 1] > 0.5) > 0.6


def test_a_clone_is_unfitted_and_trains_the_same():
    X, y, sex = people()
    first = trained()
    copy = clone(first)
    assert copy.get_params() == first.get_params()
    assert not hasattr(copy, "run_")
    assert copy.fit(X, y, sensitive_features=sex).run_.content == first.run_.content


@pytest.mark.parametrize("model", [None, "trees"])
def test_a_pickle_answers_the_same_and_holds_the_run(model):
    X, y, _ = people()
    fitted = classifier(model=model).fit(X, y)
    content = pickle.dumps(fitted)
    again = pickle.loads(content)
    np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))
    assert again.run_.metrics["accuracy"] == fitted.run_.metrics["accuracy"]
    assert content.count(fitted.run_.content[:2000]) == 1  # the file is held once


def test_fairlearn_measures_what_we_measure():
    (X, y, sex), fitted = people(), trained()
    answers = fitted.predict(X)
    frame = MetricFrame(metrics=selection_rate, y_true=y == "yes", y_pred=answers == "yes", sensitive_features=sex)
    theirs = demographic_parity_difference(y == "yes", answers == "yes", sensitive_features=sex)
    codes = (sex == "M").to_numpy().astype(np.int64)
    outcome = Outcome(
        y=(y == "yes").to_numpy().astype(np.int8),
        prediction=(answers == "yes").astype(np.int8),
        score=fitted.predict_proba(X)[:, 1],
        groups=codes,
        group_names=("F", "M"),
    )
    ours = measure("demographic_parity_difference", outcome).value
    assert frame.difference() == pytest.approx(theirs) == pytest.approx(ours)
    assert frame.by_group.index.tolist() == ["F", "M"]
