"""Point estimates agree with fairlearn and scikit-learn on random rows, groups and weights."""

from __future__ import annotations

import dataclasses

import fairlearn.metrics as fl
import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_outcomes import CASES, K, any_outcomes, make_outcome, outcomes
from scipy import stats

from efficienttrust.metrics import Outcome, class_table, group_table, measure, metrics
from efficienttrust.metrics.classes import class_views


def fairlearn_value(function, outcome: Outcome, **options: object) -> float:
    groups = outcome.groups
    return function(outcome.y, outcome.prediction, sensitive_features=groups, sample_weight=outcome.weight, **options)


def frame(metric, outcome: Outcome, *columns: np.ndarray) -> fl.MetricFrame:
    weights = {} if outcome.weight is None else {"sample_weight": outcome.weight}
    y, prediction = columns or (outcome.y, outcome.prediction)
    return fl.MetricFrame(
        metrics=metric, y_true=y, y_pred=prediction, sensitive_features=outcome.groups, sample_params=weights
    )


def worst(function, outcome: Outcome) -> float:
    """The largest value over classes, each against the rest."""
    return max(function(view) for _, view in class_views(outcome))


def rmse(y: np.ndarray, prediction: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
    return float(np.sqrt(sk.mean_squared_error(y, prediction, sample_weight=sample_weight)))


def mean_prediction(y: np.ndarray, prediction: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
    return float(np.average(prediction, weights=sample_weight))


def exact_match(y: np.ndarray, right: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
    return float(np.average(right, weights=sample_weight))


ONE_AGAINST_THE_REST = {
    "demographic_parity_difference": lambda o: fairlearn_value(fl.demographic_parity_difference, o),
    "equalized_odds_difference": lambda o: fairlearn_value(fl.equalized_odds_difference, o, agg="mean"),
    "equalized_odds_difference_max": lambda o: fairlearn_value(fl.equalized_odds_difference, o),
    "equal_opportunity_difference": lambda o: fairlearn_value(fl.equal_opportunity_difference, o),
    "predictive_parity_difference": lambda o: frame(sk.precision_score, o).difference(),
    "group_auc_gap": lambda o: frame(sk.roc_auc_score, o, o.y, o.score).difference(),
}
LOWEST = {
    "demographic_parity_ratio": lambda o: fairlearn_value(fl.demographic_parity_ratio, o),
    "worst_group_auc": lambda o: frame(sk.roc_auc_score, o, o.y, o.score).group_min(),
}
GROUPS = {
    ("worst_group_accuracy", "binary"): lambda o: frame(sk.accuracy_score, o).group_min(),
    ("worst_group_accuracy", "multiclass"): lambda o: frame(sk.accuracy_score, o).group_min(),
    ("worst_group_accuracy", "multilabel"): lambda o: frame(exact_match, o, o.right, o.right).group_min(),
    ("accuracy_gap", "binary"): lambda o: frame(sk.accuracy_score, o).difference(),
    ("accuracy_gap", "multiclass"): lambda o: frame(sk.accuracy_score, o).difference(),
    ("accuracy_gap", "multilabel"): lambda o: frame(exact_match, o, o.right, o.right).difference(),
    ("worst_group_log_loss", "binary"): lambda o: frame(sk.log_loss, o, o.y, o.score).group_max(),
    ("mean_outcome_gap", "regression"): lambda o: frame(mean_prediction, o).difference(),
    ("rmse_gap", "regression"): lambda o: frame(rmse, o).difference(),
}
FAIRLEARN = (
    GROUPS
    | {(name, "binary"): oracle for name, oracle in (ONE_AGAINST_THE_REST | LOWEST).items()}
    | {
        (name, task): lambda o, oracle=oracle: worst(oracle, o)
        for name, oracle in ONE_AGAINST_THE_REST.items()
        for task in ("multiclass", "multilabel")
    }
    | {
        (name, task): lambda o, oracle=oracle: -worst(lambda view: -oracle(view), o)
        for name, oracle in LOWEST.items()
        for task in ("multiclass", "multilabel")
    }
)


def brier(outcome: Outcome) -> float:
    distance = ((outcome.score - np.eye(K)[outcome.y]) ** 2).sum(axis=1) / 2
    return float(np.average(distance, weights=outcome.weight))


SKLEARN = {
    **{
        (name, task): lambda o, function=function: function(o.y, o.prediction, sample_weight=o.weight)
        for name, function in (
            ("accuracy", sk.accuracy_score),
            ("balanced_accuracy", sk.balanced_accuracy_score),
            ("mcc", sk.matthews_corrcoef),
        )
        for task in ("binary", "multiclass")
    },
    **{
        ("f1_macro", task): lambda o: sk.f1_score(o.y, o.prediction, average="macro", sample_weight=o.weight)
        for task in ("binary", "multiclass", "multilabel")
    },
    **{
        (name, task): lambda o, function=function: function(o.y, o.score, sample_weight=o.weight)
        for name, function in (("auc", sk.roc_auc_score), ("average_precision", sk.average_precision_score))
        for task in ("binary", "multilabel")
    },
    **{
        (name, "regression"): lambda o, function=function: function(o.y, o.prediction, sample_weight=o.weight)
        for name, function in (
            ("mean_squared_error", sk.mean_squared_error),
            ("root_mean_squared_error", sk.root_mean_squared_error),
            ("mean_absolute_error", sk.mean_absolute_error),
            ("r2", sk.r2_score),
        )
    },
    ("f1", "binary"): lambda o: sk.f1_score(o.y, o.prediction, sample_weight=o.weight),
    ("accuracy", "multilabel"): lambda o: sk.accuracy_score(o.y, o.prediction, sample_weight=o.weight),
    ("hamming_accuracy", "multilabel"): lambda o: 1 - sk.hamming_loss(o.y, o.prediction, sample_weight=o.weight),
    ("auc", "multiclass"): lambda o: np.mean(
        [sk.roc_auc_score(o.y == code, o.score[:, code], sample_weight=o.weight) for code in range(K)]
    ),
    ("average_precision", "multiclass"): lambda o: sk.average_precision_score(o.y, o.score, sample_weight=o.weight),
    ("log_loss", "binary"): lambda o: sk.log_loss(o.y, o.score, sample_weight=o.weight),
    ("log_loss", "multiclass"): lambda o: sk.log_loss(o.y, o.score, sample_weight=o.weight),
    ("brier", "binary"): lambda o: sk.brier_score_loss(o.y, o.score, sample_weight=o.weight),
    ("brier", "multiclass"): brier,
}


@pytest.mark.parametrize(("name", "task"), sorted(FAIRLEARN))
@settings(max_examples=3, deadline=None)
@given(data=st.data())
def test_fairness_metrics_agree_with_fairlearn(name: str, task: str, data: st.DataObject) -> None:
    outcome = data.draw(any_outcomes(task))
    assert measure(name, outcome).value == pytest.approx(FAIRLEARN[name, task](outcome), abs=1e-9)


@pytest.mark.parametrize(("name", "task"), sorted(SKLEARN))
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_utility_metrics_agree_with_scikit_learn(name: str, task: str, data: st.DataObject) -> None:
    outcome = data.draw(any_outcomes(task))
    assert measure(name, outcome).value == pytest.approx(SKLEARN[name, task](outcome), abs=1e-9)


def test_every_metric_of_clean_answers_has_an_oracle() -> None:
    """Except calibration, which is checked by hand below; the rest is about attacks, corruptions and other data."""
    clean = {case for case in CASES if not metrics.get(case[0]).needs & {"robust", "corrupted", "ood"}}
    by_hand = {case for case in clean if "calibration" in case[0] or case[0] == "kolmogorov_smirnov_distance"}
    assert clean - by_hand == set(FAIRLEARN) | set(SKLEARN) | {("worst_group_log_loss", "multiclass")}


@st.composite
def hostile_outcomes(draw: st.DrawFn) -> Outcome:
    """Few rows, constant columns, ties, single-row groups, weights that differ by six orders of magnitude."""
    n = draw(st.integers(2, 12))
    column = st.lists(st.integers(0, 1), min_size=n, max_size=n)
    y, prediction, group = (np.array(draw(column)) for _ in range(3))
    group[:2] = 0, 1
    score = np.array(draw(st.lists(st.sampled_from([0.0, 0.5, 0.5, 1.0]), min_size=n, max_size=n)))
    weight = draw(st.none() | st.lists(st.sampled_from([1e-3, 1.0, 1e3]), min_size=n, max_size=n).map(np.array))
    return Outcome(y=y, prediction=prediction, score=score, groups=group, group_names=("a", "b"), weight=weight)


@pytest.mark.parametrize("name", [*ONE_AGAINST_THE_REST, *LOWEST, "worst_group_accuracy", "accuracy_gap"])
@settings(max_examples=15, deadline=None)
@given(outcome=hostile_outcomes())
@pytest.mark.filterwarnings("ignore")  # of fairlearn and scikit-learn, about cells that are empty
def test_hostile_rows_agree_with_fairlearn_or_are_not_estimated(name: str, outcome: Outcome) -> None:
    measured = measure(name, outcome)
    if np.isnan(measured.value):
        assert measured.note
    else:
        assert measured.value == pytest.approx(FAIRLEARN[name, "binary"](outcome), abs=1e-9)
        assert measured.low <= measured.value <= measured.high
        cells = [*zip(outcome.groups, outcome.y, strict=True)]
        needs_both = name.startswith(("equalized", "group_auc", "worst_group_auc"))
        assert not needs_both or len(set(cells)) == 4, "a cell without rows was estimated"


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


def calibration_by_hand(hit: np.ndarray, score: np.ndarray, weight: np.ndarray | None) -> float:
    w = np.ones(len(hit)) if weight is None else weight
    edges = np.unique(np.quantile(score, np.linspace(0, 1, 16)[1:-1]))
    bins = np.searchsorted(edges, score, side="right")
    expected = 0.0
    for b in np.unique(bins):
        y, mean, mass = (column[bins == b] for column in (hit, score, w))
        expected += mass.sum() / w.sum() * abs(np.average(y, weights=mass) - np.average(mean, weights=mass))
    return expected


@pytest.mark.parametrize("weighted", [False, True])
def test_calibration_errors_by_hand(weighted: bool) -> None:
    outcome = make_outcome(n=1500, weighted=weighted)
    expected = calibration_by_hand(outcome.y, outcome.score, outcome.weight)
    measured = measure("calibration_error", outcome)
    assert measured.value == pytest.approx(expected)
    assert measured.low <= measured.value <= measured.high
    by_group = [
        calibration_by_hand(outcome.y[rows], outcome.score[rows], outcome.weight[rows] if weighted else None)
        for rows in (outcome.groups == 0, outcome.groups == 1)
    ]
    assert measure("worst_group_calibration_error", outcome).value == pytest.approx(max(by_group))
    many = make_outcome(n=1500, weighted=weighted, task="multiclass")
    expected = calibration_by_hand(many.y == many.prediction, many.score.max(axis=1), many.weight)
    assert measure("calibration_error", many).value == pytest.approx(expected)


def test_distance_of_distributions_agrees_with_scipy() -> None:
    outcome = make_outcome(groups=3, task="regression")
    rounded = Outcome(
        **{name: np.round(getattr(outcome, name)) for name in ("y", "prediction", "score")},
        groups=outcome.groups,
        group_names=outcome.group_names,
        task="regression",
    )
    for each in (outcome, rounded):
        parts = [each.prediction[each.groups == g] for g in range(3)]
        expected = max(stats.ks_2samp(parts[g], parts[h]).statistic for g, h in ((0, 1), (0, 2), (1, 2)))
        assert measure("kolmogorov_smirnov_distance", each).value == pytest.approx(expected)


def test_worst_group_log_loss_of_many_classes() -> None:
    outcome = make_outcome(groups=3, task="multiclass", weighted=True)
    losses = [
        sk.log_loss(outcome.y[rows], outcome.score[rows], sample_weight=outcome.weight[rows])
        for rows in (outcome.groups == g for g in range(3))
    ]
    assert measure("worst_group_log_loss", outcome).value == pytest.approx(max(losses))


@pytest.mark.parametrize("weighted", [False, True])
def test_errors_under_corruption_by_hand(weighted: bool) -> None:
    outcome = make_outcome(weighted=weighted)
    errors = {key: 1 - np.average(right, weights=outcome.weight) for key, right in outcome.corrupted.items()}
    assert measure("mean_corruption_error", outcome).value == pytest.approx(np.mean(list(errors.values())))
    clean = 1 - measure("accuracy", outcome).value
    assert measure("relative_mce", outcome).value == pytest.approx(np.mean(list(errors.values())) - clean)
    key = "corruption_accuracy(blur, severity=2)"
    by_group = frame(exact_match, outcome, outcome.y, outcome.corrupted[key])
    asked = {"name": "blur", "severity": 2}
    assert measure("corruption_accuracy", outcome, asked).value == pytest.approx(1 - errors[key])
    assert measure("worst_group_corruption_accuracy", outcome, asked).value == pytest.approx(by_group.group_min())
    assert measure("corruption_accuracy_gap", outcome, asked).value == pytest.approx(by_group.difference())


def test_corruptions_count_the_same_whatever_was_measured_of_them() -> None:
    outcome = make_outcome()
    kept = {key: right for key, right in outcome.corrupted.items() if "blur" not in key or "severity=1" in key}
    some = dataclasses.replace(outcome, corrupted=kept)
    errors = {key: 1 - right.mean() for key, right in kept.items()}
    blur = errors.pop("corruption_accuracy(blur, severity=1)")
    measured = measure("mean_corruption_error", some)
    assert measured.value == pytest.approx((blur + np.mean(list(errors.values()))) / 2)
    assert measured.note == "measured at some severities: blur at 1 only"


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
def test_class_table_holds_what_the_worst_class_is_picked_from(task: str) -> None:
    outcome = make_outcome(groups=3, task=task)
    table = class_table(outcome)
    assert len(table) == (1 if task == "binary" else K)
    for name in ("demographic_parity_difference", "equalized_odds_difference"):
        assert measure(name, outcome).value == max(row[name]["value"] for row in table)
    assert measure("auc", outcome).value == pytest.approx(np.mean([row["auc"]["value"] for row in table]))
    if task == "multiclass":
        assert [row["n"] for row in table] == np.bincount(outcome.y).tolist()
        recall = sk.recall_score(outcome.y, outcome.prediction, average=None)
        precision = sk.precision_score(outcome.y, outcome.prediction, average=None)
        assert [row["tpr"]["value"] for row in table] == pytest.approx(recall)
        assert [row["precision"]["value"] for row in table] == pytest.approx(precision)
        assert "worst class: '" in measure("dpd", outcome).note


def test_gap_of_two_rates_is_the_seed_formula() -> None:
    outcome = make_outcome()
    rate = [outcome.prediction[outcome.groups == g].mean() for g in (0, 1)]
    assert measure("dpd", outcome).value == pytest.approx(abs(rate[0] - rate[1]))


def test_mean_and_larger_gap_differ_by_definition() -> None:
    outcome = make_outcome(groups=3)
    mean, larger = (measure(name, outcome).value for name in ("eod", "eod_max"))
    assert mean <= larger <= 2 * mean
