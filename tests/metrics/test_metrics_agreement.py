"""Point estimates agree with fairlearn and scikit-learn on random rows, groups and weights."""

from __future__ import annotations

import fairlearn.metrics as fl
import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from metric_outcomes import make_outcome, outcomes

from efficienttrust.metrics import Outcome, group_table, measure


def fairlearn_value(function, outcome: Outcome, **options: object) -> float:
    groups = outcome.groups
    return function(outcome.y, outcome.prediction, sensitive_features=groups, sample_weight=outcome.weight, **options)


def frame(metric, outcome: Outcome, *columns: np.ndarray) -> fl.MetricFrame:
    weights = {} if outcome.weight is None else {"sample_weight": outcome.weight}
    y, prediction = columns or (outcome.y, outcome.prediction)
    return fl.MetricFrame(
        metrics=metric, y_true=y, y_pred=prediction, sensitive_features=outcome.groups, sample_params=weights
    )


FAIRLEARN = {
    "demographic_parity_difference": lambda o: fairlearn_value(fl.demographic_parity_difference, o),
    "demographic_parity_ratio": lambda o: fairlearn_value(fl.demographic_parity_ratio, o),
    "equalized_odds_difference": lambda o: fairlearn_value(fl.equalized_odds_difference, o, agg="mean"),
    "equalized_odds_difference_max": lambda o: fairlearn_value(fl.equalized_odds_difference, o),
    "equal_opportunity_difference": lambda o: fairlearn_value(fl.equal_opportunity_difference, o),
    "predictive_parity_difference": lambda o: frame(sk.precision_score, o).difference(),
    "worst_group_accuracy": lambda o: frame(sk.accuracy_score, o).group_min(),
    "group_auc_gap": lambda o: frame(sk.roc_auc_score, o, o.y, o.score).difference(),
}

SKLEARN = {
    "accuracy": lambda o: sk.accuracy_score(o.y, o.prediction, sample_weight=o.weight),
    "balanced_accuracy": lambda o: sk.balanced_accuracy_score(o.y, o.prediction, sample_weight=o.weight),
    "f1": lambda o: sk.f1_score(o.y, o.prediction, sample_weight=o.weight),
    "mcc": lambda o: sk.matthews_corrcoef(o.y, o.prediction, sample_weight=o.weight),
    "auc": lambda o: sk.roc_auc_score(o.y, o.score, sample_weight=o.weight),
    "log_loss": lambda o: sk.log_loss(o.y, o.score, sample_weight=o.weight),
}


@pytest.mark.parametrize("name", sorted(FAIRLEARN))
@settings(max_examples=15, deadline=None)
@given(outcome=outcomes)
def test_fairness_metrics_agree_with_fairlearn(name: str, outcome: Outcome) -> None:
    assert measure(name, outcome).value == pytest.approx(FAIRLEARN[name](outcome), abs=1e-9)


@pytest.mark.parametrize("name", sorted(SKLEARN))
@settings(max_examples=15, deadline=None)
@given(outcome=outcomes)
def test_utility_metrics_agree_with_scikit_learn(name: str, outcome: Outcome) -> None:
    assert measure(name, outcome).value == pytest.approx(SKLEARN[name](outcome), abs=1e-9)


@settings(max_examples=10, deadline=None)
@given(outcome=outcomes)
def test_group_table_agrees_with_fairlearn(outcome: Outcome) -> None:
    oracles = {
        "selection_rate": fl.selection_rate,
        "tpr": fl.true_positive_rate,
        "fpr": fl.false_positive_rate,
        "accuracy": sk.accuracy_score,
    }
    table = group_table(outcome)
    for column, oracle in oracles.items():
        expected = frame(oracle, outcome).by_group
        assert [row[column]["value"] for row in table] == pytest.approx(list(expected))
        assert all(row[column]["low"] <= row[column]["value"] <= row[column]["high"] for row in table)
    assert [row["n"] for row in table] == list(np.bincount(outcome.groups))
    assert [row["positives"] for row in table] == list(np.bincount(outcome.groups, weights=outcome.y))


@pytest.mark.parametrize("weighted", [False, True])
def test_calibration_error_by_hand(weighted: bool) -> None:
    outcome = make_outcome(n=1500, weighted=weighted)
    w = np.ones(1500) if outcome.weight is None else outcome.weight
    edges = np.unique(np.quantile(outcome.score, np.linspace(0, 1, 16)[1:-1]))
    bins = np.searchsorted(edges, outcome.score, side="right")
    expected = 0.0
    for b in np.unique(bins):
        y, score, mass = (column[bins == b] for column in (outcome.y, outcome.score, w))
        expected += mass.sum() / w.sum() * abs(np.average(y, weights=mass) - np.average(score, weights=mass))
    measured = measure("calibration_error", outcome)
    assert measured.value == pytest.approx(expected)
    assert measured.low <= measured.value <= measured.high


def test_gap_of_two_rates_is_the_seed_formula() -> None:
    outcome = make_outcome()
    rate = [outcome.prediction[outcome.groups == g].mean() for g in (0, 1)]
    assert measure("dpd", outcome).value == pytest.approx(abs(rate[0] - rate[1]))


def test_mean_and_larger_gap_differ_by_definition() -> None:
    outcome = make_outcome(groups=3)
    mean, larger = (measure(name, outcome).value for name in ("eod", "eod_max"))
    assert mean <= larger <= 2 * mean
