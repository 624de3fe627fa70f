"""What cannot be used is refused in one line, as scikit-learn's tools and ours both expect."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.exceptions import NotFittedError

from efficienttrust.errors import InfeasibleError, UsageError
from tests.integrations.sklearn.people import classifier, people, three_classes


def refused(call, said):
    """A `UsageError` that is a `ValueError`, in one line."""
    with pytest.raises(ValueError, match=said) as caught:
        call()
    assert isinstance(caught.value, UsageError)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"policy": "plann"}, "unknown policy 'plann'. Did you mean 'plan'"),
        ({"targets": ["acuracy >= 0.5"]}, "acuracy"),
        ({"budget": "time=soon"}, "soon"),
        ({"model": "mlpp"}, "mlpp"),
        ({"random_state": -1}, "-1"),
        ({"positive": "maybe"}, "positive='maybe' has to be one of two classes"),
        ({"immutable": ["hight"]}, "immutable column 'hight'"),
    ],
)
def test_arguments(settings, said):
    X, y, _ = people()
    refused(lambda: classifier(**settings).fit(X, y), said)


def test_targets_that_exclude_each_other_are_infeasible():
    X, y, sex = people()
    with pytest.raises(InfeasibleError, match="exclude each other"):
        classifier(targets=["dpd <= 0", "accuracy >= 1"]).fit(X, y, sensitive_features=sex)


def test_one_class():
    X, _, _ = people()
    refused(lambda: classifier().fit(X, ["yes"] * 300), r"y has 1 class \['yes'\]")


def test_a_positive_class_among_three():
    refused(lambda: classifier(positive=10).fit(*three_classes()), "one of two classes")


def test_infinite_cells_of_a_frame():
    X, y, _ = people()
    broken = X.assign(income=X["income"].where(X.index != 3, np.inf))
    refused(lambda: classifier().fit(broken, y), "'income' holds 1 infinite")
    fitted = classifier().fit(X, y)
    refused(lambda: fitted.predict(broken), "'income' holds 1 infinite")


def test_text_where_a_number_was():
    X, y, _ = people()
    fitted = classifier().fit(X, y)
    refused(lambda: fitted.predict(X.assign(income="much")), "expected a number, got 'much'")


def test_sparse_inputs():
    X, y = three_classes()
    with pytest.raises(TypeError, match="Sparse data was passed"):
        classifier().fit(csr_array(X), y)


def test_columns_of_another_table():
    X, y, _ = people()
    fitted = classifier().fit(X, y)
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(X.rename(columns={"income": "wage"}))


def test_groups_of_three_dimensions_or_another_length():
    X, y, sex = people()
    with pytest.raises(ValueError, match="3 dimensions"):
        classifier().fit(X, y, sensitive_features=np.zeros((300, 1, 1)))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        classifier().fit(X, y, sensitive_features=sex[:-1])


def test_a_fit_that_failed_leaves_the_fitted_model_as_it_was():
    X, y, _ = people()
    fitted = classifier().fit(X, y)
    before = fitted.predict(X)
    with pytest.raises(UsageError):
        fitted.set_params(policy="plann").fit(X, (y == "yes").to_numpy())
    np.testing.assert_array_equal(fitted.predict(X), before)


def test_before_fit():
    failed = classifier(policy="plann")
    with pytest.raises(UsageError):
        failed.fit(*people()[:2])
    with pytest.raises(NotFittedError):
        failed.predict(people()[0])
    with pytest.raises(NotFittedError):
        classifier().predict(people()[0])
    with pytest.raises(NotFittedError):
        classifier().save("nowhere")
