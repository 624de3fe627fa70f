"""Sensitive features steer and judge the training, and are inputs only where the user says so."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from efficienttrust.errors import UsageError
from tests.integrations.sklearn.people import classifier, people, trained


def columns_of(fitted):
    return {entry.column for entry in fitted._file.model.inputs}


def test_sensitive_features_are_no_inputs():
    X, fitted = people()[0], trained()
    assert columns_of(fitted) <= set(X.columns)
    assert {row["group"] for row in fitted.run_.document["groups"]} >= {"F", "M"}


def test_a_sensitive_column_in_x_is_an_input_under_a_name_of_its_own():
    X, y, sex = people()
    fitted = classifier(targets=["dpd(by=sex) <= 0.2"]).fit(X.assign(sex=sex), y, sensitive_features=sex)
    assert columns_of(fitted) == {*X.columns, "sex (input)"}
    assert any("gives away" in note for note in fitted.run_.document["problem"]["notes"])
    swapped = fitted.predict_proba(X.assign(sex=sex.map({"F": "M", "M": "F"})))
    assert np.abs(swapped - fitted.predict_proba(X.assign(sex=sex))).max() > 0


def test_immutable_columns_are_found_under_that_name():
    X, y, sex = people()
    fitted = classifier(immutable=["sex", "age"]).fit(X.assign(sex=sex), y, sensitive_features=sex)
    mutable = {one["name"]: one["mutable"] for one in fitted.run_.document["problem"]["columns"]}
    assert {name for name, able in mutable.items() if not able} == {"sex (input)", "age"}


def test_several_columns_make_intersections():
    X, y, sex = people(600)
    groups = pd.DataFrame({"sex": sex, "region": X["region"]})
    fitted = classifier(targets=["dpd(by=region) <= 0.3"]).fit(X.drop(columns="region"), y, sensitive_features=groups)
    assert "F & north" in {row["group"] for row in fitted.run_.document["groups"]}


@pytest.mark.parametrize("columns", [1, 2])
def test_arrays_have_the_names_that_fairlearn_gives_them(columns):
    X, y, sex = people(600)
    given = np.stack([sex, X["region"]][:columns], axis=1)
    given = given[:, 0] if columns == 1 else given
    fitted = classifier().fit(X, y, sensitive_features=given)
    names = {row["attribute"] for row in fitted.run_.document["groups"]}
    assert names >= {f"sensitive_feature_{k}" for k in range(columns)}


def test_targets_on_groups_need_groups():
    X, y, _ = people()
    for target in ("dpd <= 0.1", "worst_group_accuracy >= 0.5"):
        with pytest.raises(ValueError, match=r"compares groups: give fit\(X, y, sensitive_features=\.\.\.\)"):
            classifier(targets=target).fit(X, y)


def test_a_model_that_reads_the_groups_asks_for_them():
    X, y, sex = people()
    fitted = classifier(targets=["dpd <= 0.2"], use_groups_at_prediction=True).fit(X, y, sensitive_features=sex)
    with pytest.raises(UsageError, match="give sensitive_features"):
        fitted.predict(X)
    with pytest.raises(ValueError, match="2 columns, at fit 1"):
        fitted.predict(X, sensitive_features=np.stack([sex, sex], axis=1))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        fitted.predict(X, sensitive_features=sex[:-1])
    expected = fitted.run_.predict(X.assign(sex=sex))
    np.testing.assert_array_equal(fitted.predict(X, sensitive_features=sex) == "yes", expected["decision"] == 1)
    np.testing.assert_array_equal(fitted.decision_function(X, sensitive_features=sex.to_numpy()), expected["margin"])


def test_a_blind_model_does_not_read_them():
    (X, _, sex), fitted = people(), trained()
    np.testing.assert_array_equal(fitted.predict(X), fitted.predict(X, sensitive_features=sex[::-1]))
