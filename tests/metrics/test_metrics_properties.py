"""What every metric keeps to: range, relabelling, identical groups, repeatability, cells that cannot be estimated."""

from __future__ import annotations

import dataclasses
import json
import time

import numpy as np
import pytest
from metric_outcomes import ATTACK, KEY, arguments_of, make_outcome

from efficienttrust.errors import UsageError
from efficienttrust.metrics import Measurement, Outcome, group_table, measure, metrics, robust_key

NAMES = metrics.names()
GROUP = [name for name in NAMES if "by" in metrics.get(name).parameters]
GAPS = [name for name in GROUP if name.endswith(("difference", "difference_max", "gap"))]


def of(name: str, outcome: Outcome, **arguments: object) -> Measurement:
    return measure(name, outcome, arguments_of(metrics.get(name).parameters) | arguments)


def limit_of(name: str, outcome: Outcome, alpha: float = 0.05):
    metric = metrics.get(name)
    return metric.limit(outcome, metric.resolve(arguments_of(metric.parameters)), alpha)


def test_the_metrics_of_the_issue_are_there() -> None:
    assert set(NAMES) >= {
        *("accuracy", "balanced_accuracy", "auc", "f1", "log_loss", "mcc", "calibration_error", "robust_accuracy"),
        *("demographic_parity_difference", "demographic_parity_ratio", "equalized_odds_difference"),
        *("equalized_odds_difference_max", "equal_opportunity_difference", "predictive_parity_difference"),
        *("worst_group_accuracy", "group_auc_gap", "worst_group_robust_accuracy", "worst_group_calibration_error"),
    }
    aliases = {"dpd": "demographic_parity_difference", "eod": "equalized_odds_difference"}
    assert {alias: metrics.canonical(alias) for alias in aliases} == aliases
    assert metrics.canonical("eopp") == "equal_opportunity_difference"


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("groups", [2, 4])
@pytest.mark.parametrize("name", NAMES)
def test_interval_holds_the_value_inside_the_range(name: str, groups: int, weighted: bool) -> None:
    metric, outcome = metrics.get(name), make_outcome(groups=groups, weighted=weighted)
    measured = of(name, outcome)
    assert metric.low <= measured.low < measured.high <= metric.high
    assert measured.low <= measured.value <= measured.high
    assert measured.n > 0
    assert "95%" in measured.how
    json.dumps(dataclasses.asdict(measured))
    assert measured.definition == metric.definition
    wider = measure(name, outcome, arguments_of(metric.parameters), level=0.999)
    assert wider.high - wider.low > measured.high - measured.low


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("groups", [2, 4])
@pytest.mark.parametrize("name", NAMES)
def test_limit_lies_on_the_worse_side_and_its_best_is_better(name: str, groups: int, weighted: bool) -> None:
    outcome, sign = make_outcome(groups=groups, weighted=weighted), -1 if metrics.get(name).better == "higher" else 1
    limit, value = limit_of(name, outcome), of(name, outcome).value
    assert sign * limit.value > sign * value
    assert sign * limit.best <= sign * limit.value + 1e-9
    assert sign * limit_of(name, outcome, 0.001).value >= sign * limit.value


@pytest.mark.parametrize("name", NAMES)
def test_measuring_twice_gives_the_same(name: str) -> None:
    assert of(name, make_outcome(1)) == of(name, make_outcome(1))


@pytest.mark.parametrize("name", GROUP)
def test_relabelling_groups_changes_nothing(name: str) -> None:
    outcome = make_outcome(groups=3)
    codes, names = np.array([2, 0, 1])[outcome.groups], ("b", "c", "a")
    relabelled = dataclasses.replace(outcome, groups=codes, group_names=names)
    assert of(name, relabelled).value == pytest.approx(of(name, outcome).value)
    assert of(name, relabelled).high == pytest.approx(of(name, outcome).high, abs=0.01)


@pytest.mark.parametrize("name", GAPS)
def test_identical_groups_have_no_gap(name: str) -> None:
    one = make_outcome()
    columns = {column: np.tile(getattr(one, column), 2) for column in ("y", "prediction", "score")}
    twice = Outcome(**columns, groups=np.repeat([0, 1], 1000), group_names=("a", "b"))
    measured = of(name, twice)
    assert (measured.value, measured.low) == (0, 0)
    assert measured.high > 0


@pytest.mark.parametrize("name", GROUP)
def test_by_takes_one_attribute(name: str) -> None:
    outcome = make_outcome()
    assert of(name, outcome, by="sex").value == of(name, outcome).value
    assert of(name, outcome, by="sex").name.endswith("by=sex)")
    with pytest.raises(UsageError, match=r"sensitive attribute 'sx'. Did you mean 'sex'\?"):
        of(name, outcome, by="sx")


@pytest.mark.parametrize("name", GROUP)
def test_rows_of_unknown_group_are_left_out(name: str) -> None:
    outcome = make_outcome(n=600)
    unknown = dataclasses.replace(outcome, groups=np.where(np.arange(600) < 500, outcome.groups, -1))
    kept = {KEY: outcome.robust_rows[KEY] < 500}
    first = Outcome(
        **{column: getattr(outcome, column)[:500] for column in ("y", "prediction", "score", "groups")},
        group_names=outcome.group_names,
        robust={KEY: outcome.robust[KEY][kept[KEY]]},
        robust_rows={KEY: outcome.robust_rows[KEY][kept[KEY]]},
    )
    assert of(name, unknown) == of(name, first)


@pytest.mark.parametrize("name", ["equal_opportunity_difference", "eod", "eod_max", "group_auc_gap"])
def test_group_without_positives_cannot_be_estimated(name: str) -> None:
    outcome = make_outcome()
    empty = dataclasses.replace(outcome, y=np.where(outcome.groups == 1, 0, outcome.y))
    measured = of(name, empty)
    assert np.isnan([measured.value, measured.low, measured.high]).all()
    assert measured.note == "group 'group 1' has no positives here"
    assert np.isnan(limit_of(name, empty).value)


@pytest.mark.parametrize("name", GROUP)
def test_group_without_rows_is_named(name: str) -> None:
    outcome = make_outcome()
    absent = dataclasses.replace(outcome, group_names=(*outcome.group_names, "nobody"))
    measured = of(name, absent)
    assert np.isnan(measured.value)
    assert "'nobody'" in measured.note


@pytest.mark.parametrize("name", GAPS)
def test_one_group_has_no_gap_to_measure(name: str) -> None:
    outcome = make_outcome()
    alone = dataclasses.replace(outcome, groups=np.zeros(1000, dtype=int), group_names=("all",))
    assert np.isnan(of(name, alone).value)
    assert "needs at least 2 groups" in of(name, alone).note


@pytest.mark.parametrize("name", ["dpd", "eopp", "worst_group_accuracy", "worst_group_calibration_error"])
def test_small_groups_are_noted(name: str) -> None:
    outcome = make_outcome()
    codes = np.where(np.arange(1000) < 20, 1, 0)
    measured = of(name, dataclasses.replace(outcome, groups=codes))
    assert "fewer than 30" in measured.note
    assert "'group 1'" in measured.note


@pytest.mark.parametrize("name", ["balanced_accuracy", "auc", "f1", "mcc"])
def test_one_class_cannot_be_estimated(name: str) -> None:
    outcome = dataclasses.replace(make_outcome(), y=np.zeros(1000, dtype=int))
    assert np.isnan(of(name, outcome).value)
    assert of(name, outcome).note
    assert np.isnan(limit_of(name, outcome).value)


def test_constant_decision() -> None:
    outcome = dataclasses.replace(make_outcome(), prediction=np.zeros(1000, dtype=int))
    assert of("dpd", outcome).value == 0
    assert of("mcc", outcome).value == 0
    assert of("f1", outcome).value == 0
    assert of("balanced_accuracy", outcome).value == 0.5
    assert np.isnan(of("demographic_parity_ratio", outcome).value)
    assert np.isnan(of("predictive_parity_difference", outcome).value)


def test_no_rows_at_all() -> None:
    empty = np.array([], dtype=int)
    nothing = Outcome(y=empty, prediction=empty, score=empty, groups=empty, group_names=("a", "b"))
    for name in set(NAMES) - {"robust_accuracy", "worst_group_robust_accuracy"}:
        assert np.isnan(of(name, nothing).value), name
        assert np.isnan(limit_of(name, nothing).value), name


@pytest.mark.parametrize("name", ["auc", "log_loss", "calibration_error", "group_auc_gap"])
def test_scores_that_are_no_numbers_are_not_hidden(name: str) -> None:
    outcome = make_outcome()
    score = np.where(np.arange(1000) == 7, np.nan, outcome.score)
    assert np.isnan(of(name, dataclasses.replace(outcome, score=score)).value)


def test_perfect_answers_do_not_have_a_perfect_limit() -> None:
    outcome = make_outcome()
    perfect = dataclasses.replace(outcome, prediction=outcome.y, score=outcome.y.astype(float))
    for name in ("accuracy", "balanced_accuracy", "auc", "f1", "mcc", "worst_group_accuracy"):
        assert of(name, perfect).value == 1
        assert 0.95 < limit_of(name, perfect).value < 1
        assert limit_of(name, perfect).value == pytest.approx(limit_of(name, perfect).best, abs=1e-3)


def test_robust_key_is_canonical() -> None:
    assert robust_key("pgd", 0.25) == KEY == of("robust_accuracy", make_outcome()).name
    assert robust_key("pgd", 8 / 255, "Linf") == "robust_accuracy(pgd, eps=0.0313725, norm=linf)"
    with pytest.raises(UsageError, match=r"eps=0.5, norm=linf\) was not measured on these rows; attacks measured: rob"):
        measure("robust_accuracy", make_outcome(), ATTACK | {"eps": 0.5})


def test_robust_accuracy_counts_the_attacked_rows_only() -> None:
    outcome = make_outcome(weighted=True)
    right, rows = outcome.robust[KEY], outcome.robust_rows[KEY]
    expected = np.average(right, weights=outcome.weight[rows])
    assert of("robust_accuracy", outcome).value == pytest.approx(expected)
    worst = min(
        np.average(right[outcome.groups[rows] == g], weights=outcome.weight[rows][outcome.groups[rows] == g])
        for g in (0, 1)
    )
    assert of("worst_group_robust_accuracy", outcome).value == pytest.approx(worst)


def test_equal_weights_change_no_value() -> None:
    outcome = make_outcome(groups=3)
    weighted = dataclasses.replace(outcome, weight=np.full(1000, 2.5))
    for name in NAMES:
        assert of(name, weighted).value == pytest.approx(of(name, outcome).value)


def test_group_table_lists_attributes_then_intersections() -> None:
    outcome = make_outcome(groups=4)
    sex, age = outcome.groups // 2, outcome.groups % 2
    both = dataclasses.replace(outcome, attributes={"sex": (sex, ("F", "M")), "age": (age, ("young", "old"))})
    table = group_table(both)
    assert [row["attribute"] for row in table] == ["sex"] * 2 + ["age"] * 2 + ["sex & age"] * 4
    assert table[0]["n"] == (sex == 0).sum()
    assert set(table[0][KEY]) == {"value", "low", "high", "n"}
    assert table[0][KEY]["n"] < table[0]["n"]


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="score has 2 rows, y has 3"):
        Outcome(y=np.zeros(3), prediction=np.zeros(3), score=np.zeros(2), groups=np.zeros(3))


def test_all_metrics_with_intervals_are_fast() -> None:
    outcome = make_outcome(n=10_000)
    for name in NAMES:
        of(name, outcome)
    start = time.process_time()
    for name in NAMES:
        of(name, outcome)
    assert time.process_time() - start < 1.0  # 0.3 s on a quiet machine
