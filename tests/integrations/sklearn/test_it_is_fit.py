"""The estimator trains what `fit` trains on the same table, byte for byte, and again with the same seed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from efficienttrust import fit, load_problem, load_run
from tests.integrations.sklearn.people import BUDGET, TARGETS, classifier, people, trained


def test_same_file_and_verdicts_as_the_verb():
    X, y, sex = people()
    found = trained().run_
    table = X.assign(sex=sex, approved=y)
    problem = load_problem(table, label="approved", positive="yes", sensitive="sex", seed=0)
    run = fit(problem, budget=BUDGET, targets=TARGETS, seed=0)
    assert found.content == run.content
    assert found.verdicts == run.verdicts
    assert len(run.verdicts) == 2
    assert found.document["problem"]["fingerprint"] == run.document["problem"]["fingerprint"]


def test_a_seed_determines_the_model_and_another_does_not():
    X, y, _ = people()
    first, again, other = (classifier(random_state=seed).fit(X, y).run_.content for seed in (3, 3, 4))
    assert first == again != other


def test_a_generator_is_a_seed_too():
    X, y, _ = people()
    first, again = (classifier(random_state=np.random.RandomState(7)).fit(X, y).run_.content for _ in range(2))
    assert first == again


def test_a_frame_of_polars_is_the_frame_of_pandas():
    polars = pytest.importorskip("polars")
    X, y, sex = people()
    mine = trained()
    theirs = classifier(targets=TARGETS).fit(
        polars.from_pandas(X), polars.Series("approved", y.tolist()), polars.Series("sex", sex.tolist())
    )
    assert mine.run_.document["problem"]["fingerprint"] == theirs.run_.document["problem"]["fingerprint"]
    assert list(theirs.feature_names_in_) == list(X.columns)
    np.testing.assert_array_equal(mine.predict_proba(X), theirs.predict_proba(polars.from_pandas(X)))


def test_the_tag_says_whether_the_clock_is_counted():
    assert not classifier(budget="steps=9").__sklearn_tags__().non_deterministic
    assert not classifier(budget="epochs=9").__sklearn_tags__().non_deterministic
    assert classifier(budget="time=5s").__sklearn_tags__().non_deterministic
    assert classifier(budget="nonsense").__sklearn_tags__().non_deterministic


def test_the_run_is_saved_with_its_report(tmp_path):
    fitted = trained()
    folder = fitted.save(tmp_path / "run")
    assert (folder / "model.onnx").read_bytes() == fitted.run_.content
    assert load_run(folder).verdicts == fitted.run_.verdicts
    assert (folder / "report.html").stat().st_size > 10_000
    assert pd.read_parquet(folder / "predictions.parquet").shape[0] == fitted.run_.predictions.shape[0]
