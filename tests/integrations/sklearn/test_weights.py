"""Weights reach the training; a row of weight 0 is a row that was not given."""

from __future__ import annotations

import numpy as np
import pytest

from tests.integrations.sklearn.people import classifier, people


@pytest.mark.parametrize("model", [None, "trees"])
def test_weight_nought_is_absence(model):
    X, y, sex = people()
    weight = np.random.default_rng(0).choice([0.0, 1.0, 2.0], len(y))
    kept = weight > 0
    whole = classifier(model=model).fit(X, y, sensitive_features=sex, sample_weight=weight)
    part = classifier(model=model).fit(X[kept], y[kept], sensitive_features=sex[kept], sample_weight=weight[kept])
    np.testing.assert_array_equal(whole.predict_proba(X), part.predict_proba(X))


def test_weights_change_the_model():
    """Where nothing can be learned, log loss is least at the weighted share of the class."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(4000, 1)), rng.random(4000) < 0.5
    heavy = np.where(y, 9.0, 1.0)
    fitted = classifier(budget="steps=200").fit(X, y, sample_weight=heavy)
    assert fitted.predict_proba(X)[:, 1].mean() == pytest.approx(0.9, abs=0.02)


@pytest.mark.parametrize(
    ("weight", "said"),
    [(np.zeros(300), "non-zero|y has 0 class"), (-np.ones(300), "[Nn]egative"), (np.ones(299), "sample_weight")],
)  # fmt: skip
def test_odd_weights_are_refused(weight, said):
    X, y, _ = people()
    with pytest.raises(ValueError, match=said):
        classifier().fit(X, y, sample_weight=weight)
