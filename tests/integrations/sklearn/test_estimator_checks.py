"""scikit-learn's own checks of an estimator pass, for both families of models."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from tests.integrations.sklearn.people import classifier

EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": (
        "a weight of 3 and a row given three times are dealt to batches, bins and splits differently; weight 0 and a "
        "missing row are the same, see test_weights.py (scikit-learn expects this of its own SGD and boosting as well)"
    )
}


@parametrize_with_checks([classifier(budget="steps=20", model="trees")], expected_failed_checks=lambda _: EXPECTED)
def test_trees(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([classifier(budget="steps=100")], expected_failed_checks=lambda _: EXPECTED)
def test_networks(estimator, check):
    check(estimator)
