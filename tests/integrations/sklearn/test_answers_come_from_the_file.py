"""Every answer is that of the exported file, run by onnxruntime alone, in the type and the order of the classes."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pandas as pd
import pytest

from tests.integrations.sklearn.people import classifier, people, three_classes, trained


def outputs_of(content: bytes, X: pd.DataFrame) -> dict[str, np.ndarray]:
    """Score, margin and decision, without any code of ours: doubles and texts by the name of their column."""
    session = onnxruntime.InferenceSession(content)
    feed = {}
    for entry in session.get_inputs():
        column = X[entry.name]
        text = entry.type == "tensor(string)"
        cells = column.astype(object).fillna("").to_numpy() if text else column.to_numpy(dtype=np.float64)
        feed[entry.name] = cells.reshape(-1, 1)
    return dict(zip([one.name for one in session.get_outputs()], session.run(None, feed), strict=True))


def test_two_classes_of_text():
    X, fitted = people()[0], trained()
    said = outputs_of(fitted.run_.content, X)
    assert list(fitted.classes_) == ["no", "yes"]
    np.testing.assert_array_equal(fitted.predict(X), np.where(said["decision"] == 1, "yes", "no"))
    np.testing.assert_allclose(fitted.predict_proba(X)[:, 1], said["score"], atol=1e-6)
    np.testing.assert_allclose(fitted.decision_function(X), said["margin"], atol=1e-5)
    assert set(fitted.predict(X)) == {"no", "yes"}


def test_the_first_class_may_be_the_positive_one():
    X, y, _ = people()
    fitted = classifier(positive="no").fit(X, y)
    said = outputs_of(fitted.run_.content, X)
    assert fitted.run_.document["problem"]["positive"] == "no"
    np.testing.assert_array_equal(fitted.predict(X), np.where(said["decision"] == 1, "no", "yes"))
    np.testing.assert_allclose(fitted.predict_proba(X)[:, 0], said["score"], atol=1e-6)
    np.testing.assert_allclose(fitted.decision_function(X), -said["margin"], atol=1e-5)


def test_three_classes_in_the_order_of_numbers():
    X, y = three_classes()
    fitted = classifier(model="trees").fit(X, y)
    said = outputs_of(fitted.run_.content, pd.DataFrame(X, columns=["x0", "x1"]))
    proba = fitted.predict_proba(X)
    np.testing.assert_array_equal(fitted.classes_, [2, 10, 30])
    np.testing.assert_array_equal(fitted.predict(X), fitted.classes_[said["decision"]])
    np.testing.assert_array_equal(fitted.classes_[proba.argmax(axis=1)], fitted.predict(X))
    np.testing.assert_array_equal(fitted.decision_function(X).argmax(axis=1), proba.argmax(axis=1))
    np.testing.assert_allclose(proba.sum(axis=1), 1.0, atol=1e-12)
    assert fitted.score(X, y) > 0.9


def test_texts_that_sort_otherwise_than_numbers_keep_their_columns():
    X, y = three_classes()
    fitted = classifier(model="trees").fit(X, y.astype(str))
    assert list(fitted.classes_) == ["10", "2", "30"]
    np.testing.assert_array_equal(fitted.classes_[fitted.predict_proba(X).argmax(axis=1)], fitted.predict(X))
    assert fitted.score(X, y.astype(str)) > 0.9


@pytest.mark.parametrize(
    "labels", [[False, True], [-1, 1], [0.0, 1.0], [" a", "a"], ["?", "b"]], ids=["bool", "int", "float", "a", "b"]
)
def test_labels_come_back_as_they_were(labels):
    X, y, _ = people(200)
    labels = np.array(labels)
    given = labels[(y == "yes").to_numpy().astype(int)]
    fitted = classifier().fit(X, given)
    assert fitted.predict(X).dtype == labels.dtype
    assert set(fitted.predict(X)) <= set(labels.tolist())
    assert fitted.score(X, given) > 0.6


def test_a_frame_may_follow_an_array():
    X, y = three_classes()
    fitted = classifier(model="trees").fit(pd.DataFrame(X, columns=["a", "b"]), y)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        np.testing.assert_array_equal(fitted.predict(X), fitted.predict(pd.DataFrame(X, columns=["a", "b"])))
