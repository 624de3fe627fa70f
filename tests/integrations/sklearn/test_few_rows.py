"""With too few rows for five splits a plain classifier is trained on them all, and claims nothing."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from tests.integrations.sklearn.people import classifier, people, three_classes


def test_nothing_is_claimed_of_rows_that_were_trained_on(tmp_path):
    X, y, sex = people(30)
    fitted = classifier().fit(X, y, sensitive_features=sex)
    document = fitted.run_.document
    assert all(math.isnan(one["value"]) and one["n"] == 0 and one["note"] for one in document["metrics"].values())
    assert len(document["metrics"]) > 10
    cells = [cell for row in document["groups"] for cell in row.values() if isinstance(cell, dict)]
    cells += [cell for stage in document["stages"] for cell in stage["metrics"].values()]
    assert len(cells) > 2
    assert all(math.isnan(cell["value"]) for cell in cells)
    assert "all rows serve as every split" in document["fallbacks"][0]
    written = json.loads((fitted.save(tmp_path / "run") / "run.json").read_text())
    assert written["metrics"]["accuracy"]["value"] is None
    assert "all rows serve as every split" in (tmp_path / "run" / "report.html").read_text()


def test_every_row_is_trained_on_once_a_pass():
    X, y, _ = people(30)
    run = classifier(budget="epochs=2").fit(X, y).run_
    assert run.document["problem"]["splits"]["train"] == 30
    assert {one["name"]: one["missing"] for one in run.document["problem"]["columns"]}["age"] == X["age"].isna().sum()
    assert sorted(run.predictions["row"]) == list(range(30))


@pytest.mark.parametrize("fewest", [1, 3, 19])
def test_a_class_of_any_number_of_rows_is_learned(fewest):
    X, y = three_classes()
    kept = np.concatenate([np.flatnonzero(y == 2), np.flatnonzero(y == 10), np.flatnonzero(y == 30)[:fewest]])
    fitted = classifier(model="trees").fit(X[kept], y[kept])
    assert fitted.run_.document["problem"]["splits"]["train"] == len(kept)
    assert list(fitted.classes_) == [2, 10, 30]


def test_twenty_rows_of_each_class_are_split():
    X, y = three_classes(400)
    kept = np.concatenate([np.flatnonzero(y == one)[:20] for one in (2, 10, 30)])
    document = classifier(model="trees").fit(X[kept], y[kept]).run_.document
    assert document["problem"]["splits"]["train"] == 30
    assert math.isfinite(document["metrics"]["accuracy"]["value"])


def test_targets_are_refused_as_no_row_is_left_to_judge_them():
    X, y, sex = people(30)
    with pytest.raises(ValueError, match=r"too few rows to judge a target.*20 needed"):
        classifier(targets=["dpd <= 0.2"]).fit(X, y, sensitive_features=sex)
