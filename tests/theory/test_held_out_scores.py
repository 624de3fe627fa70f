"""Scores of held-out rows: no row is in its own model, weights and groups are read, calibrators are cross-fitted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from efficienttrust.data import load_problem
from efficienttrust.errors import UsageError
from efficienttrust.theory._cross_fitting import cross_calibrated, dealt_folds
from efficienttrust.theory._held_out_scores import held_out_scores


@pytest.fixture(scope="module")
def german():
    return load_problem("german", sensitive=["sex", "age"])


def test_test_rows_play_no_part_and_the_better_model_is_taken(german):
    found = held_out_scores(german, by="sex", folds=2)
    rows = sum(len(split) for name, split in german.splits.items() if name != "test")
    assert len(found.scores) == len(found.y) == len(found.groups) == rows
    assert found.model == min(found.log_loss, key=found.log_loss.__getitem__)
    assert log_loss(found.y, found.scores) == pytest.approx(found.log_loss[found.model], abs=1e-9)
    assert set(found.groups) == set(german.attribute_names["sex"])
    assert found.group_probabilities is None


def test_a_model_learns_nothing_from_the_labels_of_its_own_rows(german):
    """With labels drawn at random, scores of rows that a model had seen would rank them; held-out ones cannot."""
    rng = np.random.default_rng(0)
    splits = {
        name: replace(split, y=rng.integers(0, 2, len(split)).astype(np.int8)) for name, split in german.splits.items()
    }
    found = held_out_scores(replace(german, splits=splits), folds=2)
    difference = found.scores[found.y == 1].mean() - found.scores[found.y == 0].mean()
    error = found.scores.std() * np.sqrt(1 / (found.y == 1).sum() + 1 / (found.y == 0).sum())
    assert abs(difference) < 4 * error


def test_blind_scores_come_with_the_probabilities_of_the_groups(german):
    found = held_out_scores(german, by="sex", attribute="blind", folds=2)
    members = found.group_probabilities
    assert members.shape == (len(found.y), 2, 2)
    assert members.sum(axis=-1) == pytest.approx(1)
    names = np.unique(found.groups)
    right = [members[np.arange(len(found.y)), found.y, code].mean() for code in range(2)]
    assert right == pytest.approx([(found.groups == name).mean() for name in names], abs=0.03)
    assert not np.allclose(members[:, 0], members[:, 1])  # the label tells something of the group


def test_weights_are_read(german):
    splits = {
        name: replace(split, weight=np.where(split.y == 1, 3, 1).astype(np.float32))
        for name, split in german.splits.items()
    }
    plain, weighted = (held_out_scores(one, folds=2) for one in (german, replace(german, splits=splits)))
    assert weighted.scores.mean() > plain.scores.mean() + 0.05
    assert weighted.weight.sum() == pytest.approx(np.where(plain.y == 1, 3, 1).sum())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"by": "sx"}, "Did you mean 'sex'"),
        ({"splits": ("tain",)}, "Did you mean 'train'"),
        ({"folds": 1}, "folds is 1"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(german, arguments, message):
    with pytest.raises(UsageError, match=message):
        held_out_scores(german, **arguments)


def test_a_regression_is_refused(german):
    with pytest.raises(UsageError, match="regression"):
        held_out_scores(replace(german, task="regression"))


def test_rows_of_one_class_are_refused(german):
    splits = {name: replace(split, y=np.zeros_like(split.y)) for name, split in german.splits.items()}
    with pytest.raises(UsageError, match="one class"):
        held_out_scores(replace(german, splits=splits))


def test_folds_spread_every_group_and_label_evenly():
    rng = np.random.default_rng(0)
    y, codes = (rng.random(997) < 0.1).astype(float), rng.integers(0, 4, 997)
    fold = dealt_folds(y, codes, 5, seed=1)
    for code in range(4):
        for label in (0, 1):
            counts = np.bincount(fold[(codes == code) & (y == label)], minlength=5)
            assert np.ptp(counts) <= 1


def test_platt_is_a_logistic_regression_of_the_log_odds():
    rng = np.random.default_rng(0)
    scores = rng.random(20_000)
    y = (rng.random(20_000) < scores**2).astype(float)
    weight, codes = rng.random(20_000) + 0.5, np.zeros(20_000, int)
    fold = dealt_folds(y, codes, 2, seed=0)
    found = cross_calibrated(scores, y, weight, codes, fold, "platt", by_group=False)
    odds = np.log(scores / (1 - scores))[:, None]
    model = LogisticRegression(C=1e9).fit(odds[fold == 1], y[fold == 1], sample_weight=weight[fold == 1])
    assert found[fold == 0] == pytest.approx(model.predict_proba(odds[fold == 0])[:, 1], abs=1e-3)


@pytest.mark.parametrize("calibration", ["platt", "isotonic", "best"])
def test_calibration_by_group_takes_off_the_bias_of_each_group(calibration):
    rng = np.random.default_rng(1)
    n = 12_000
    codes, eta = np.arange(n) % 2, rng.random(n)
    y = (rng.random(n) < eta).astype(float)
    odds = eta / (1 - eta) * np.where(codes == 1, 4, 0.5)
    scores = odds / (1 + odds)
    fold = dealt_folds(y, codes, 5, seed=0)
    found = cross_calibrated(scores, y, np.ones(n), codes, fold, calibration, by_group=True)
    assert np.abs(scores - eta).mean() > 0.1
    assert np.abs(found - eta).mean() < 0.02
    assert ((found >= 0) & (found <= 1)).all()


def test_a_group_too_small_for_a_calibrator_uses_that_of_all():
    rng = np.random.default_rng(2)
    scores, codes = rng.random(1000), (np.arange(1000) < 20).astype(int)
    y = (rng.random(1000) < scores).astype(float)
    fold, one = dealt_folds(y, codes, 5, seed=0), np.ones(1000)
    apart = cross_calibrated(scores, y, one, codes, fold, "platt", by_group=True)
    together = cross_calibrated(scores, y, one, codes, fold, "platt", by_group=False)
    assert apart[codes == 1].tolist() == together[codes == 1].tolist()


def test_scores_that_separate_the_classes_stay_finite():
    scores, y = np.array([0.1, 0.2, 0.8, 0.9] * 10), np.array([0.0, 0, 1, 1] * 10)
    codes = np.zeros(40, int)
    found = cross_calibrated(scores, y, np.ones(40), codes, dealt_folds(y, codes, 4, 0), "platt", by_group=False)
    assert ((found > 0) & (found < 1)).all()
    assert ((found > 0.5) == (y == 1)).all()
