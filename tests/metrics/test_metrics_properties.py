"""What every metric keeps to: range, relabelling, identical groups, repeatability, cells that cannot be estimated."""

from __future__ import annotations

import dataclasses
import json
import time

import numpy as np
import pytest
from metric_outcomes import ATTACK, CASES, KEY, arguments_of, make_outcome, take

from efficienttrust.errors import UsageError
from efficienttrust.metrics import TASKS, Measurement, Outcome, group_table, measure, metrics, robust_key

NAMES = metrics.names()
GROUP = [(name, task) for name, task in CASES if "by" in metrics.get(name).parameters]
GAPS = [
    (name, task)
    for name, task in GROUP
    if name.endswith(("difference", "difference_max", "gap", "distance")) and name != "ood_false_alarm_gap"
]


def of(name: str, outcome: Outcome, **arguments: object) -> Measurement:
    return measure(name, outcome, arguments_of(metrics.get(name).parameters) | arguments)


def limit_of(name: str, outcome: Outcome, alpha: float = 0.05):
    metric = metrics.get(name)
    return metric.limit(outcome, metric.resolve(arguments_of(metric.parameters)), alpha)


def test_the_metrics_of_the_issues_are_there() -> None:
    assert set(NAMES) >= {
        *("accuracy", "balanced_accuracy", "auc", "f1", "log_loss", "mcc", "calibration_error", "robust_accuracy"),
        *("demographic_parity_difference", "demographic_parity_ratio", "equalized_odds_difference"),
        *("equalized_odds_difference_max", "equal_opportunity_difference", "predictive_parity_difference"),
        *("worst_group_accuracy", "group_auc_gap", "worst_group_robust_accuracy", "worst_group_calibration_error"),
        *("brier", "average_precision", "f1_macro", "hamming_accuracy", "worst_group_auc", "worst_group_log_loss"),
        *(
            "mean_squared_error",
            "root_mean_squared_error",
            "mean_absolute_error",
            "r2",
            "accuracy_gap",
            "calibration_gap",
            "robust_accuracy_gap",
        ),
        *("corruption_accuracy", "worst_group_corruption_accuracy", "corruption_accuracy_gap"),
        *("mean_corruption_error", "relative_mce", "mean_outcome_gap", "kolmogorov_smirnov_distance", "rmse_gap"),
    }
    aliases = {"dpd": "demographic_parity_difference", "eod": "equalized_odds_difference"}
    assert {alias: metrics.canonical(alias) for alias in aliases} == aliases
    assert metrics.canonical("eopp") == "equal_opportunity_difference"


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("groups", [2, 4])
@pytest.mark.parametrize(("name", "task"), CASES)
def test_interval_holds_the_value_inside_the_range(name: str, task: str, groups: int, weighted: bool) -> None:
    metric, outcome = metrics.get(name), make_outcome(groups=groups, weighted=weighted, task=task)
    measured = of(name, outcome)
    assert metric.low <= measured.low < measured.high <= metric.high
    assert measured.low <= measured.value <= measured.high
    assert measured.n > 0
    assert "95%" in measured.how
    json.dumps(dataclasses.asdict(measured))
    assert measured.definition == metric.definition
    wider = measure(name, outcome, arguments_of(metric.parameters), level=0.999)
    assert wider.high - wider.low > measured.high - measured.low


@pytest.mark.parametrize(("groups", "weighted"), [(2, False), (4, True)])
@pytest.mark.parametrize(("name", "task"), CASES)
def test_limit_lies_on_the_worse_side_and_its_best_is_better(name: str, task: str, groups: int, weighted: bool) -> None:
    outcome = make_outcome(n=500, groups=groups, weighted=weighted, task=task)
    sign = -1 if metrics.get(name).better == "higher" else 1
    limit, value = limit_of(name, outcome), of(name, outcome).value
    # The calibration error is biased upwards: its limit may be as low as what was measured.
    assert sign * limit.value > sign * value or (limit.value == value and name.startswith("calibration"))
    assert sign * limit.best <= sign * limit.value + 1e-9
    assert sign * limit_of(name, outcome, 0.001).value >= sign * limit.value


@pytest.mark.parametrize(("name", "task"), CASES)
def test_measuring_twice_gives_the_same(name: str, task: str) -> None:
    assert of(name, make_outcome(task=task)) == of(name, make_outcome(task=task))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("name", "task"), CASES)
def test_the_order_of_rows_changes_nothing(name: str, task: str, weighted: bool) -> None:
    outcome = make_outcome(n=500, groups=3, weighted=weighted, task=task)
    measured, shuffled = (
        of(name, each) for each in (outcome, take(outcome, np.random.default_rng(1).permutation(500)))
    )
    for end in ("value", "low", "high"):
        assert getattr(shuffled, end) == pytest.approx(getattr(measured, end), abs=1e-9), end
    assert (shuffled.n, shuffled.how, shuffled.note) == (measured.n, measured.how, measured.note)


@pytest.mark.parametrize(("name", "task"), GROUP)
def test_relabelling_groups_changes_nothing(name: str, task: str) -> None:
    outcome = make_outcome(groups=3, task=task)
    codes, names = np.array([2, 0, 1])[outcome.groups], ("b", "c", "a")
    relabelled = dataclasses.replace(outcome, groups=codes, group_names=names)
    assert of(name, relabelled).value == pytest.approx(of(name, outcome).value)
    assert of(name, relabelled).high == pytest.approx(of(name, outcome).high, abs=0.01)


@pytest.mark.parametrize("corrected", [None, True])
@pytest.mark.parametrize(("name", "task"), GAPS)
def test_identical_groups_have_no_gap(name: str, task: str, corrected: bool | None) -> None:
    if corrected and "corrected" not in metrics.get(name).parameters:
        pytest.skip("offers no correction")
    twice = dataclasses.replace(
        take(make_outcome(task=task), np.tile(np.arange(1000), 2)), groups=np.repeat([0, 1], 1000)
    )
    measured = of(name, twice, **({"corrected": True} if corrected else {}))
    assert (measured.value, measured.low) == (0, 0)
    assert measured.high > 0


@pytest.mark.parametrize(("name", "task"), GROUP)
def test_by_takes_one_attribute(name: str, task: str) -> None:
    outcome = make_outcome(task=task)
    assert of(name, outcome, by="sex").value == of(name, outcome).value
    assert of(name, outcome, by="sex").name.endswith("by=sex)")
    with pytest.raises(UsageError, match=r"sensitive attribute 'sx'. Did you mean 'sex'\?"):
        of(name, outcome, by="sx")


@pytest.mark.parametrize(("name", "task"), [case for case in GROUP if case[0] != "ood_false_alarm_gap"])
def test_rows_of_unknown_group_are_left_out(name: str, task: str) -> None:
    outcome = make_outcome(n=600, task=task)
    unknown = dataclasses.replace(outcome, groups=np.where(np.arange(600) < 500, outcome.groups, -1))
    found, first = of(name, unknown), of(name, take(outcome, np.arange(500)))
    assert found == dataclasses.replace(first, how=found.how)


@pytest.mark.parametrize("name", ["equal_opportunity_difference", "eod", "eod_max", "group_auc_gap", "worst_group_auc"])
def test_group_without_positives_cannot_be_estimated(name: str) -> None:
    outcome = make_outcome()
    empty = dataclasses.replace(outcome, y=np.where(outcome.groups == 1, 0, outcome.y))
    measured = of(name, empty)
    assert np.isnan([measured.value, measured.low, measured.high]).all()
    assert measured.note == "group 'group 1' has no positives here"
    assert np.isnan(limit_of(name, empty).value)


@pytest.mark.parametrize("name", ["eopp", "eod", "group_auc_gap"])
def test_class_that_a_group_lacks_is_named(name: str) -> None:
    outcome = dataclasses.replace(make_outcome(task="multiclass"), classes=("cat", "dog", "eel"))
    empty = dataclasses.replace(outcome, y=np.where((outcome.groups == 1) & (outcome.y == 2), 0, outcome.y))
    measured = of(name, empty)
    assert np.isnan(measured.value)
    assert measured.note == "class 'eel': group 'group 1' has no positives here"


@pytest.mark.parametrize(("name", "task"), GROUP)
def test_group_without_rows_is_named(name: str, task: str) -> None:
    outcome = make_outcome(task=task)
    absent = dataclasses.replace(outcome, group_names=(*outcome.group_names, "nobody"))
    measured = of(name, absent)
    assert np.isnan(measured.value)
    assert "'nobody'" in measured.note


@pytest.mark.parametrize(("name", "task"), GAPS)
def test_one_group_has_no_gap_to_measure(name: str, task: str) -> None:
    outcome = make_outcome(task=task)
    alone = dataclasses.replace(outcome, groups=np.zeros(1000, dtype=int), group_names=("all",))
    assert np.isnan(of(name, alone).value)
    assert "needs at least 2 groups" in of(name, alone).note


@pytest.mark.parametrize(
    "name",
    ["dpd", "eopp", "worst_group_accuracy", "worst_group_calibration_error", "calibration_gap", "worst_group_auc"],
)
def test_small_groups_are_noted(name: str) -> None:
    outcome = make_outcome()
    codes = np.where(np.arange(1000) < 20, 1, 0)
    measured = of(name, dataclasses.replace(outcome, groups=codes))
    assert "fewer than 30" in measured.note
    assert "'group 1'" in measured.note


@pytest.mark.parametrize("name", ["balanced_accuracy", "auc", "average_precision", "f1", "f1_macro", "mcc"])
def test_one_class_cannot_be_estimated(name: str) -> None:
    outcome = dataclasses.replace(make_outcome(), y=np.zeros(1000, dtype=int))
    assert np.isnan(of(name, outcome).value)
    assert of(name, outcome).note
    assert np.isnan(limit_of(name, outcome).value)


@pytest.mark.parametrize("name", ["balanced_accuracy", "auc", "average_precision", "f1_macro"])
@pytest.mark.parametrize("task", ["multiclass", "multilabel"])
def test_class_without_rows_is_named(name: str, task: str) -> None:
    if task not in metrics.get(name).tasks:
        pytest.skip("not defined")
    outcome = dataclasses.replace(make_outcome(task=task), classes=("cat", "dog", "eel"))
    y = np.where(outcome.y == 2, 0, outcome.y) if task == "multiclass" else outcome.y * [1, 1, 0]
    measured = of(name, dataclasses.replace(outcome, y=y))
    assert np.isnan(measured.value)
    assert "'eel'" in measured.note


def test_constant_decision() -> None:
    outcome = dataclasses.replace(make_outcome(), prediction=np.zeros(1000, dtype=int))
    assert of("dpd", outcome).value == 0
    assert of("mcc", outcome).value == 0
    assert of("f1", outcome).value == 0
    assert of("balanced_accuracy", outcome).value == 0.5
    assert np.isnan(of("demographic_parity_ratio", outcome).value)
    assert np.isnan(of("predictive_parity_difference", outcome).value)


@pytest.mark.parametrize(("name", "task"), CASES)
def test_no_rows_at_all(name: str, task: str) -> None:
    nothing = take(make_outcome(task=task), np.array([], dtype=int))
    nothing = dataclasses.replace(nothing, ood={"energy": (np.empty(0), np.empty(0))})
    assert np.isnan(of(name, nothing).value)
    assert of(name, nothing).note
    assert np.isnan(limit_of(name, nothing).value)


@pytest.mark.parametrize(("name", "task"), [c for c in CASES if metrics.get(c[0]).needs & {"score", "probability"}])
def test_scores_that_are_no_numbers_are_not_hidden(name: str, task: str) -> None:
    outcome = make_outcome(task=task)
    score = outcome.score.copy()
    score[7] = np.nan
    assert np.isnan(of(name, dataclasses.replace(outcome, score=score)).value)


def test_perfect_answers_do_not_have_a_perfect_limit() -> None:
    outcome = make_outcome()
    perfect = dataclasses.replace(outcome, prediction=outcome.y, score=outcome.y.astype(float))
    names = ("accuracy", "balanced_accuracy", "auc", "average_precision", "f1", "f1_macro", "mcc")
    for name in (*names, "worst_group_accuracy", "worst_group_auc"):
        assert of(name, perfect).value == 1
        assert of(name, perfect).low < 1
        assert 0.95 < limit_of(name, perfect).value < 1
        assert limit_of(name, perfect).value == pytest.approx(limit_of(name, perfect).best, abs=1e-3)
    assert of("calibration_error", perfect).value == 0 < of("calibration_error", perfect).high


@pytest.mark.parametrize("task", TASKS)
def test_a_metric_of_another_task_is_refused(task: str) -> None:
    outcome = make_outcome(task=task)
    other = next(name for name in NAMES if task not in metrics.get(name).tasks)
    with pytest.raises(UsageError, match=rf"^{other} is defined for .* outcomes, not for {task} ones$"):
        of(other, outcome)
    assert metrics.get(other).lacks(outcome)


def test_what_a_metric_lacks_is_said() -> None:
    outcome = make_outcome()
    mute = dataclasses.replace(outcome, score=np.full(1000, np.nan), corrupted={}, robust={})
    assert metrics.get("auc").lacks(outcome) == ""
    assert "needs scores" in metrics.get("auc").lacks(mute)
    assert "between 0 and 1" in metrics.get("brier").lacks(dataclasses.replace(outcome, score=outcome.score * 9))
    assert metrics.get("mean_corruption_error").lacks(mute).endswith("not measured: corrupted")
    assert metrics.get("robust_accuracy").lacks(mute).endswith("not measured: robust")


def test_robust_key_is_canonical() -> None:
    assert robust_key("pgd", 0.25) == KEY == of("robust_accuracy", make_outcome()).name
    assert robust_key("pgd", 8 / 255, "Linf") == "robust_accuracy(pgd, eps=0.0313725, norm=linf)"
    assert robust_key("pgd", 0.5, "L2") == "robust_accuracy(pgd, eps=0.5, norm=l2)"
    with pytest.raises(UsageError, match=r"eps=0.5, norm=linf\) was not measured on these rows; attacks measured: rob"):
        measure("robust_accuracy", make_outcome(), ATTACK | {"eps": 0.5})


def test_robust_accuracy_counts_the_attacked_rows_only() -> None:
    outcome = make_outcome(weighted=True)
    right, rows = outcome.robust[KEY], outcome.robust_rows[KEY]
    expected = np.average(right, weights=outcome.weight[rows])
    assert of("robust_accuracy", outcome).value == pytest.approx(expected)
    by_group = [
        np.average(right[outcome.groups[rows] == g], weights=outcome.weight[rows][outcome.groups[rows] == g])
        for g in (0, 1)
    ]
    assert of("worst_group_robust_accuracy", outcome).value == pytest.approx(min(by_group))
    assert of("robust_accuracy_gap", outcome).value == pytest.approx(np.ptp(by_group))


@pytest.mark.parametrize(("name", "task"), CASES)
def test_equal_weights_change_no_value(name: str, task: str) -> None:
    outcome = make_outcome(groups=3, task=task)
    weighted = dataclasses.replace(outcome, weight=np.full(1000, 2.5))
    assert of(name, weighted).value == pytest.approx(of(name, outcome).value)


@pytest.mark.parametrize(("name", "task"), [case for case in CASES if not metrics.get(case[0]).needs & {"ood"}])
def test_a_weight_of_two_is_the_row_twice(name: str, task: str) -> None:
    if name in ("calibration_error", "worst_group_calibration_error", "calibration_gap"):
        pytest.skip("bins hold equal numbers of rows, not equal weights")
    outcome = make_outcome(n=300, groups=3, task=task)
    times = np.random.default_rng(3).integers(1, 4, 300)
    weighted = dataclasses.replace(outcome, weight=times.astype(float))
    repeated = take(outcome, np.repeat(np.arange(300), times))
    assert of(name, weighted).value == pytest.approx(of(name, repeated).value)


def test_group_table_lists_attributes_then_intersections() -> None:
    outcome = make_outcome(groups=4)
    sex, age = outcome.groups // 2, outcome.groups % 2
    both = dataclasses.replace(outcome, attributes={"sex": (sex, ("F", "M")), "age": (age, ("young", "old"))})
    table = group_table(both)
    assert [row["attribute"] for row in table] == ["sex"] * 2 + ["age"] * 2 + ["sex & age"] * 4
    assert table[0]["n"] == (sex == 0).sum()
    assert set(table[0][KEY]) == {"value", "low", "high", "n"}
    assert table[0][KEY]["n"] < table[0]["n"]


def test_group_table_counts_rows_with_weight_only() -> None:
    outcome = Outcome(
        y=np.array([1, 1, 0, 1]), prediction=np.ones(4, dtype=int), score=np.ones(4), groups=np.array([0, 0, 0, 1]),
        group_names=("a", "b"), weight=np.array([1.0, 0.0, 2.0, 1.0]),
    )  # fmt: skip
    assert [(row["n"], row["positives"]) for row in group_table(outcome)] == [(2, 1), (1, 1)]


def test_group_table_of_numbers_has_means() -> None:
    outcome = make_outcome(task="regression")
    row, rows = group_table(outcome)[1], outcome.groups == 1
    missed = np.sqrt(np.mean((outcome.y - outcome.prediction)[rows] ** 2))
    assert row["n"] == rows.sum()
    assert row["rmse"]["value"] == pytest.approx(missed)
    assert row["mean_prediction"]["value"] == pytest.approx(outcome.prediction[rows].mean())
    assert row["rmse"]["low"] < missed < row["rmse"]["high"]


def test_all_metrics_with_intervals_are_fast() -> None:
    outcome = make_outcome(n=10_000)
    names = [name for name, task in CASES if task == "binary"]
    for name in names:
        of(name, outcome)
    start = time.process_time()
    for name in names:
        of(name, outcome)
    assert time.process_time() - start < 1.0  # 0.3 s on a quiet machine


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("auc", "binary"),
        ("average_precision", "binary"),
        ("f1", "binary"),
        ("balanced_accuracy", "binary"),
        ("auc", "multiclass"),
        ("f1_macro", "multiclass"),
        ("mcc", "multiclass"),
        ("f1_macro", "multilabel"),
    ],
)
def test_class_whose_rows_weigh_nothing_is_a_class_without_rows(name: str, task: str) -> None:
    outcome = make_outcome(task=task, weighted=True)
    there = outcome.y[:, 1] if task == "multilabel" else outcome.y == 1
    measured = measure(name, dataclasses.replace(outcome, weight=np.where(there, 0.0, outcome.weight)))
    assert np.isnan([measured.value, measured.low, measured.high]).all()
    assert measured.note
