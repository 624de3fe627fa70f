"""Estimators answer through a subject exactly as they do through scikit-learn; pickles need trust."""

from __future__ import annotations

import pickle

import joblib
import numpy as np
import pytest
from foreign_models import loan_rows, number_rows, pictures
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

from efficienttrust.errors import UsageError
from efficienttrust.evaluation.subjects import open_subject
from tests.small_problems import make_table

COLUMNS = ["income", "debt", "housing"]


def raw_pipeline(last, label=lambda table: table["approved"]):
    table = make_table()
    split = make_column_transformer((StandardScaler(), ["income", "debt"]), (OneHotEncoder(), ["housing"]))
    return make_pipeline(split, last).fit(table[COLUMNS], label(table))


def refusal(*arguments, **options) -> str:
    with pytest.raises(UsageError) as refused:
        open_subject(*arguments, **options)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("last", [LogisticRegression(), GaussianNB(), HistGradientBoostingClassifier(max_iter=5)])
def test_a_pipeline_on_raw_columns(last):
    model, rows = raw_pipeline(last), loan_rows()
    subject = open_subject(model, rows)
    answer = subject.answer(rows.inputs)
    assert subject.outputs == "probabilities"
    assert not subject.encoded
    assert np.array_equal(answer.prediction, model.predict(rows.inputs[COLUMNS]) == "yes")
    assert np.allclose(answer.score, model.predict_proba(rows.inputs[COLUMNS])[:, 1])


@pytest.mark.parametrize("last", [LinearSVC(), RidgeClassifier()])
def test_decision_values_are_no_probabilities(last):
    model, rows = raw_pipeline(last), loan_rows()
    subject = open_subject(model, rows)
    answer = subject.answer(rows.inputs)
    assert subject.outputs == "logits"
    assert np.array_equal(answer.margin, model.decision_function(rows.inputs[COLUMNS]))
    assert np.array_equal(answer.prediction, model.predict(rows.inputs[COLUMNS]) == "yes")
    assert any("judge that sigmoid" in note for note in subject.notes)


class OnlyPredicts(NearestCentroid):
    predict_proba = None
    decision_function = None


def test_predict_only():
    rows = number_rows()
    model = OnlyPredicts().fit(rows.inputs[["a", "b", "c"]], rows.y)
    subject = open_subject(model, rows)
    answer = subject.answer(rows.inputs)
    assert subject.outputs == "decisions"
    assert np.array_equal(answer.prediction, model.predict(rows.inputs[["a", "b", "c"]]))
    assert np.isnan(answer.score).all()


def test_a_threshold_of_its_own_is_respected():
    rows = loan_rows()
    model = FixedThresholdClassifier(raw_pipeline(LogisticRegression()), threshold=0.8, pos_label="yes")
    table = make_table()
    model.fit(table[COLUMNS], table["approved"])
    answer = open_subject(model, rows).answer(rows.inputs)
    assert np.array_equal(answer.prediction, model.predict(rows.inputs[COLUMNS]) == "yes")
    assert answer.margin is None


@pytest.mark.parametrize("numbers", [lambda y: y, lambda y: y.astype(bool), lambda y: 2 * y - 1])
def test_labels_as_numbers(numbers):
    rows = loan_rows()
    model = raw_pipeline(LogisticRegression(), lambda table: numbers((table["approved"] == "yes").astype(int)))
    answer = open_subject(model, rows).answer(rows.inputs)
    assert np.array_equal(answer.prediction, model.predict_proba(rows.inputs[COLUMNS])[:, 1] > 0.5)


def test_the_encoded_matrix_as_array_or_frame():
    import pandas as pd

    rows = loan_rows()
    train = rows.problem.splits["train"]
    plain = LogisticRegression().fit(train.x, train.y)
    named = LogisticRegression().fit(pd.DataFrame(train.x, columns=rows.problem.encoder.feature_names), train.y)
    for model in (plain, named):
        subject = open_subject(model, rows)
        assert subject.encoded
        assert np.array_equal(subject.answer(rows.inputs).prediction, plain.predict(rows.x))


def test_what_does_not_fit_is_refused():
    rows = loan_rows()
    table = make_table()
    other = table.rename(columns={"income": "incomes"})
    model = LogisticRegression().fit(other[["incomes", "debt"]], other["approved"])
    assert "no column 'incomes'. Did you mean 'income'?" in refusal(model, rows)
    assert "was fitted on" in refusal(model, rows)
    narrow = LogisticRegression().fit(table[["income", "debt"]].to_numpy(), table["approved"])
    assert "takes rows of 2 numbers" in refusal(narrow, rows)
    regions = LogisticRegression(max_iter=500).fit(table[["income", "debt"]], table["region"])
    said = refusal(regions, rows)
    assert "{'east', 'north', 'south'}" in said
    assert "{'no', 'yes'}" in said
    assert "is not fitted" in refusal(LogisticRegression(), rows)
    assert "is a regressor" in refusal(DummyRegressor().fit(table[["income"]], table["debt"]), rows)
    assert "is a class, not a fitted estimator" in refusal(LogisticRegression, rows)
    assert "no model" in refusal(42, rows)


def test_images_are_not_for_estimators(tmp_path):
    table = make_table()
    model = LogisticRegression().fit(table[["income", "debt"]], table["approved"])
    assert "the data are images" in refusal(model, pictures(tmp_path))


def test_a_pickle_needs_trust(tmp_path):
    rows, model = loan_rows(), raw_pipeline(LogisticRegression())
    for suffix in (".joblib", ".pkl"):
        path = tmp_path / f"model{suffix}"
        joblib.dump(model, path)
        said = refusal(path, rows)
        assert "loading it runs whatever code its maker put into it" in said
        assert "--trust-pickle" in said
        subject = open_subject(path, rows, trust_pickle=True)
        assert subject.size_bytes == path.stat().st_size
        assert np.array_equal(subject.answer(rows.inputs).prediction, model.predict(rows.inputs[COLUMNS]) == "yes")


class Trap:
    def __reduce__(self):
        return exec, ("import builtins; builtins.sprung = True",)


def test_a_malicious_pickle_does_not_run(tmp_path):
    import builtins

    path = tmp_path / "trap.pkl"
    path.write_bytes(pickle.dumps(Trap()))
    refusal(path, loan_rows())
    assert not hasattr(builtins, "sprung")


@pytest.mark.parametrize("content", [b"", b"nonsense", pickle.dumps(LogisticRegression())[:30]])
def test_an_unreadable_pickle(tmp_path, content):
    path = tmp_path / "model.joblib"
    path.write_bytes(content)
    assert "is not a pickle that can be read here" in refusal(path, loan_rows(), trust_pickle=True)


def test_a_pickle_of_something_else(tmp_path):
    joblib.dump({"weights": [1, 2]}, tmp_path / "model.joblib")
    assert "a dict is no model: it has no predict" in refusal(tmp_path / "model.joblib", loan_rows(), trust_pickle=True)


def test_skops_is_named_when_it_is_needed(tmp_path):
    (tmp_path / "model.skops").write_bytes(b"")
    said = refusal(tmp_path / "model.skops", loan_rows())
    assert "skops" in said
